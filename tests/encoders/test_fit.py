"""Fitting: what it leaves behind, which epoch it keeps, and what its settings change."""

from __future__ import annotations

import logging
import os
import signal
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from src.core.schema import EpochSettings, TrainedImage, TrainedText, Trainer
from src.encoders.common.fit import fit
from src.encoders.common.lightning_module import TrainingModule, parameter_groups
from src.encoders.image.networks import ImageNetwork
from src.encoders.text.networks import TransformersNetwork
from src.encoders.weights.fetch import IMAGENET_NORM
from tests.encoders.conftest import TRAINER, trained_image, trained_text


def epoch_settings(**changes: Any) -> EpochSettings:
    content: dict[str, Any] = {
        "network": "tiny", "weights": "random", "folds": 0, "batch": 16, "epochs": 1,
        "patience": 1, "lr": 0.1, "weight_decay": 0.5, "dropout": 0.0, "imbalance": "none",
    }  # fmt: skip
    return EpochSettings(**content | changes)


def fit_what_is_right_already() -> tuple[nn.Linear, list[Tensor]]:
    """Fit for 3 epochs a network whose F1 on val is 1 in each; return its weights at each val."""
    y = torch.arange(64) % 2
    x = nn.functional.one_hot(y).float()
    network = nn.Linear(2, 2)
    nn.init.eye_(network.weight)
    nn.init.zeros_(network.bias)
    seen: list[Tensor] = []
    network.register_forward_pre_hook(
        lambda module, _: None if module.training else seen.append(module.weight.detach().clone())
    )
    settings = epoch_settings(epochs=3, patience=3, lr=0.01, weight_decay=0.0)
    train, val = (DataLoader(TensorDataset(x, y), batch_size=size) for size in (16, 64))
    curves = fit(network, train, val, y.numpy(), 2, settings, TRAINER, "right already")
    assert curves["val_f1_macro"].tolist() == [1.0] * 3
    assert len(seen) == 3
    return network, seen


def test_of_equally_good_epochs_the_first_is_kept() -> None:
    network, seen = fit_what_is_right_already()
    assert torch.equal(network.weight, seen[0])
    assert not torch.equal(seen[0], seen[1])


def test_no_checkpoint_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    fit_what_is_right_already()
    assert list(tmp_path.iterdir()) == []


def test_logging_and_warnings_are_as_before() -> None:
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    before = [logger.level for logger in loggers], list(warnings.filters)
    fit_what_is_right_already()
    assert ([logger.level for logger in loggers], list(warnings.filters)) == before


def test_lightning_notes_and_advice_are_hidden(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    fit_what_is_right_already()
    assert capfd.readouterr() == ("", "")
    assert [str(warning.message) for warning in recwarn] == []


def test_a_terminated_fit_does_not_end_as_if_it_were_done(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(nn.Linear, "forward", _terminated)
    with pytest.raises(SystemExit) as end:
        fit_what_is_right_already()
    assert end.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before


def _terminated(self: nn.Linear, x: Tensor) -> Tensor:
    os.kill(os.getpid(), signal.SIGTERM)
    return nn.functional.linear(x, self.weight, self.bias)


def rates(network: nn.Module, settings: EpochSettings) -> dict[str, tuple[float, float]]:
    """Return the learning rate and the weight decay of every parameter by its name."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in parameter_groups(network, settings)
        for parameter in group["params"]
    }


def made_network(name: str, **changes: Any) -> tuple[nn.Module, TrainedImage | TrainedText]:
    """Return an image network, or for `bert` a small text network, and its settings."""
    if name != "bert":
        photos = trained_image(**changes)
        return ImageNetwork(photos, {"network": name, **IMAGENET_NORM}, 3), photos
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=3, num_attention_heads=2,
        intermediate_size=8,
    )  # fmt: skip
    texts = trained_text(**changes)
    return TransformersNetwork(texts, BertModel(config), 3), texts


@pytest.mark.parametrize("name", ["plain_cnn", "resnet50", "tf_efficientnet_lite0", "bert"])
def test_weight_decay_spares_biases_and_normalisation(name: str) -> None:
    network, settings = made_network(name)
    found = rates(network, settings)
    spared = {key for key, (_, decay) in found.items() if not decay}
    assert set(found) == {key for key, _ in network.named_parameters()}
    assert spared == {
        f"{prefix}.{key}"
        for prefix, module in network.named_modules()
        for key, _ in module.named_parameters(recurse=False)
        if key == "bias" or isinstance(module, nn.BatchNorm2d | nn.LayerNorm)
    }
    assert {decay for _, decay in found.values()} == {0.0, settings.weight_decay}
    # One group for each, or the fused optimiser would run over many small ones.
    assert len(parameter_groups(network, settings)) == 2


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("plain_cnn", ["backbone.0.", "backbone.4.", "backbone.12.", "head."]),
        ("resnet50", ["backbone.conv1.", "backbone.layer1.0.", "backbone.layer1.1.",
                      "backbone.layer4.2.", "head."]),
        ("tf_efficientnet_lite0", ["backbone.conv_stem.", "backbone.blocks.0.0.",
                                   "backbone.blocks.2.0.", "backbone.blocks.2.1.",
                                   "backbone.conv_head.", "head."]),
        ("bert", ["encoder.embeddings.", "encoder.encoder.layer.0.", "encoder.encoder.layer.2.",
                  "head."]),
    ],
)  # fmt: skip
def test_lower_layers_learn_more_slowly_if_asked_for(name: str, layers: list[str]) -> None:
    network, settings = made_network(name, layer_decay=0.8, lr=0.01)
    found = rates(network, settings)
    rate = [{lr for key, (lr, _) in found.items() if key.startswith(layer)} for layer in layers]
    assert all(len(each) == 1 for each in rate)
    order = [each.pop() for each in rate]
    assert order == sorted(set(order))
    assert order[-1] == 0.01
    if name == "bert":
        assert order == pytest.approx([0.01 * 0.8**k for k in (4, 3, 1, 0)])


def test_what_is_frozen_is_in_no_group() -> None:
    network, settings = made_network("plain_cnn")
    network.backbone.requires_grad_(False)
    assert set(rates(network, settings)) == {"head.3.weight", "head.3.bias"}


class Scaled(nn.Module):
    """Two linear layers that start as they are: nothing is changed."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        for layer in self.layers:
            nn.init.eye_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.layers(x))


def fitted(trainer: Trainer = TRAINER, **changes: Any) -> Scaled:
    """Fit for one epoch of four steps; the labels are noise."""
    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(64, 2, generator=generator)
    y = torch.randint(0, 2, (64,), generator=generator)
    network = Scaled()
    train, val = (DataLoader(TensorDataset(x, y), batch_size=size) for size in (16, 64))
    fit(network, train, val, y.numpy(), 2, epoch_settings(**changes), trainer, "scaled")
    return network


def moved(network: Scaled, layer: int) -> float:
    weight: Tensor = network.layers[layer].weight.detach()
    return float((weight - torch.eye(2)).abs().max())


@pytest.mark.parametrize(
    "changes", [{"gradient_clip": 1e-12}, {"label_smoothing": 0.5}, {"layer_decay": 0.1}]
)
def test_each_option_changes_a_fit_and_is_off_by_default(changes: dict[str, float]) -> None:
    off = {"gradient_clip": 0.0, "label_smoothing": 0.0, "layer_decay": 1.0}
    plain = fitted().state_dict()
    assert all(torch.equal(plain[key], value) for key, value in fitted(**off).state_dict().items())
    assert any((plain[key] != value).any() for key, value in fitted(**changes).state_dict().items())


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_gradients_are_clipped_by_their_norm(precision: str) -> None:
    # AdamW divides by the gradients' size unless they are near its epsilon.
    trainer = TRAINER.model_copy(update={"precision": precision})
    assert moved(fitted(trainer, gradient_clip=1e-12, weight_decay=0.0), 0) < 1e-4
    assert moved(fitted(trainer, gradient_clip=1e6, weight_decay=0.0), 0) > 1e-2


def test_labels_are_smoothed_by_their_share() -> None:
    x, y, weights = torch.randn(16, 2), torch.arange(16) % 2, torch.tensor([0.5, 2.0])
    network = Scaled()
    module = TrainingModule(network, weights, epoch_settings(label_smoothing=0.3))
    expected = nn.functional.cross_entropy(network(x), y, weights, label_smoothing=0.3)
    torch.testing.assert_close(module.training_step((x, y), 0), expected)


def test_the_layers_of_a_fit_move_by_their_own_rates() -> None:
    without_decay = {"weight_decay": 0.0}
    even, uneven = fitted(**without_decay), fitted(layer_decay=1e-3, **without_decay)
    assert moved(uneven, 0) < 0.01 * moved(even, 0)
    assert moved(uneven, 1) > 0.1 * moved(even, 1)
