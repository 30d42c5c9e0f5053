"""What recipes for pretrained weights add to training: schedule, a frozen start, LoRA, sizes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.core.errors import UserError
from src.core.files import read_json, write_json
from src.core.schema import TrainedText
from src.encoders.common.encoder import FitPlan
from src.encoders.common.lightning_module import TrainingModule, linear_rate
from src.encoders.image.networks import start_image_network
from src.encoders.text.networks import TransformersNetwork
from src.encoders.text.train import text_encoder, train_text
from tests.encoders.conftest import (
    TRAINER,
    kernel_image,
    photo_weights,
    state_bytes,
    trained_text,
)

PLAN = FitPlan(seed=1, name="texts")


@given(st.integers(2, 10_000), st.floats(0, 0.99))
def test_a_linear_rate_rises_to_1_and_falls_to_0(steps: int, warmup: float) -> None:
    rates = [linear_rate(step, steps, warmup) for step in range(steps)]
    top = int(np.argmax(rates))
    assert top == int(warmup * steps)
    assert all(0 < rate <= 1 for rate in rates)
    assert (np.diff(rates[: top + 1]) > 0).all() and (np.diff(rates[top:]) < 0).all()
    np.testing.assert_allclose(np.diff(rates[top:], 2), 0, atol=1e-9)
    assert linear_rate(steps, steps, warmup) == 0


def text_data(root: Path, tokens: Path, weights: Path) -> Path:
    """Lay out the folders that a text row reads."""
    for kind, folder in (("tokens", tokens), ("weights", weights)):
        (root / kind).mkdir()
        (root / kind / "row").symlink_to(folder)
    return root


@pytest.fixture
def data(tmp_path: Path, tokens: Path, bert_weights: Path) -> Path:
    return text_data(tmp_path, tokens, bert_weights)


def fit_texts(table: pd.DataFrame, data: Path, plan: FitPlan = PLAN, **changes: Any) -> Any:
    """Return a text row's encoder, and the model that it has fitted on train."""
    encoder = text_encoder(table, "row", trained_text(**changes), TRAINER, 1, data)
    model, _ = encoder.fit(np.flatnonzero(table["split"] == "train"), plan)
    return encoder, model


def test_rates_follow_the_schedule(
    table: pd.DataFrame, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def watched(module: TrainingModule, *_: Any) -> None:
        seen.append(module.trainer.optimizers[0].param_groups[0]["lr"])

    monkeypatch.setattr(TrainingModule, "on_train_batch_end", watched)
    fit_texts(table, data, schedule="linear", warmup=0.25, lr=0.5, epochs=4)
    # Each was seen after the schedule had set the next.
    expected = [0.5 * linear_rate(step, len(seen), 0.25) for step in range(1, len(seen) + 1)]
    np.testing.assert_allclose(seen, expected)
    assert max(seen) > 0.4


@pytest.mark.parametrize("schedule", ["one_cycle", "linear"])
def test_at_first_only_the_head_learns(schedule: str, table: pd.DataFrame, data: Path) -> None:
    changes = {"schedule": schedule, "freeze_epochs": 1, "epochs": 3, "weight_decay": 0.5}
    encoder, at_first = fit_texts(table, data, FitPlan(1, "texts", epochs=1), **changes)
    _, later = fit_texts(table, data, FitPlan(1, "texts", epochs=2), **changes)
    torch.manual_seed(1)
    start = state_bytes(encoder.data.start(["a", "b", "c"]).network)
    first, second = state_bytes(at_first.network), state_bytes(later.network)
    for name in start:
        if name.startswith("encoder."):
            np.testing.assert_array_equal(first[name], start[name])
    moved = [name for name in start if not np.array_equal(first[name], start[name])]
    assert "head.3.weight" in moved
    assert any(not np.array_equal(first[k], second[k]) for k in start if "encoder.layer" in k)


def test_lora_trains_few_weights_and_is_gone_afterwards(
    table: pd.DataFrame, data: Path, tmp_path: Path
) -> None:
    encoder, model = fit_texts(table, data, lora=2)
    _, again = fit_texts(table, data, lora=2)
    torch.manual_seed(1)
    fresh = encoder.data.start(["a", "b", "c"])
    start, found = state_bytes(fresh.network), state_bytes(model.network)
    assert list(start) == list(found)
    changed = {name for name in start if not np.array_equal(start[name], found[name])}
    changed = {name for name in changed if name.startswith("encoder.")}
    # Matrices of layers, and neither embeddings nor biases.
    assert changed and all(".layer." in name and name.endswith(".weight") for name in changed)
    for name in changed:
        assert np.linalg.matrix_rank(found[name] - start[name], tol=1e-5) <= 2
    assert all(np.array_equal(found[k], v) for k, v in state_bytes(again.network).items())

    fresh.fitting_starts()
    trained = [p for p in fresh.network.encoder.parameters() if p.requires_grad]
    everything = sum(p.numel() for p in fresh.network.encoder.parameters())
    assert sum(p.numel() for p in trained) < 0.2 * everything


def test_what_lora_has_learned_is_predicted_without_its_package(
    table: pd.DataFrame, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from src.encoders.text.model import load_text_model

    encoder, model = fit_texts(table, data, lora=2)
    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    monkeypatch.setitem(sys.modules, "peft", None)
    probs = load_text_model(tmp_path / "saved").score(table).probs
    expected = encoder.score(model, encoder.rows).probs
    np.testing.assert_allclose(probs, expected, atol=1e-5)
    with pytest.raises(UserError, match="needs the package peft; run `pip install peft`") as told:
        fit_texts(table, data, lora=2)
    assert "\n" not in str(told.value)


def test_roberta_reads_two_tokens_fewer_than_it_has_places() -> None:
    from transformers import XLMRobertaConfig, XLMRobertaModel

    config = XLMRobertaConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=34, pad_token_id=1,
    )  # fmt: skip
    longest = TransformersNetwork(trained_text(max_tokens=32), XLMRobertaModel(config), 3).eval()
    tokens = torch.full((1, 32), 5)
    batch = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    assert torch.isfinite(longest(batch)).all()
    with pytest.raises(UserError, match="max_tokens is 33; expected at most 32"):
        TransformersNetwork(trained_text(max_tokens=33), XLMRobertaModel(config), 3)


VIT = "test_vit"


@pytest.mark.parametrize("pixels", [64, 160, 224])
def test_a_transformer_reads_photos_of_the_size_that_is_asked_for(
    pixels: int, tmp_path: Path
) -> None:
    import timm
    from safetensors.torch import load_file, save_file

    weights = photo_weights(tmp_path, VIT)
    native = timm.create_model(VIT, num_classes=0)
    save_file(native.state_dict(), weights / "model.safetensors")
    network = start_image_network(kernel_image(pixels=pixels), weights, 3).eval()
    reference = timm.create_model(VIT, num_classes=0).eval()
    reference.load_state_dict(load_file(weights / "model.safetensors"))
    reference.set_input_size(img_size=(pixels, pixels))
    x = torch.randn(2, 3, pixels, pixels)
    torch.testing.assert_close(network.backbone(x), reference(x))
    photos = torch.randint(0, 255, (2, 48, 48, 3), dtype=torch.uint8)
    assert network.features(photos).shape == (2, native.num_features)


def test_a_network_of_one_size_only_is_refused_in_one_line(tmp_path: Path) -> None:
    weights = photo_weights(tmp_path, "botnet26t_256")
    with pytest.raises(UserError, match="pixels is 224; expected 256, the only size that") as told:
        start_image_network(kernel_image(pixels=224), weights, 3)
    assert "\n" not in str(told.value)


def test_settings_unlike_those_of_the_network_are_told_of(
    table: pd.DataFrame, data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "weights" / "row"
    target = folder.resolve()
    folder.unlink()
    folder.mkdir()
    for file in target.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    source = read_json(folder / "source.json")
    write_json(folder / "source.json", source | {"pooling": "cls", "prefixes": ["query: "]})

    def told(settings: TrainedText) -> list[str]:
        train_text(table, "row", settings, TRAINER, 1, data)
        out = capsys.readouterr().out.splitlines()
        return [line for line in out if line.startswith("text_models.row.")]

    assert told(trained_text(epochs=1)) == [
        "text_models.row.pooling is mean; tiny was made for cls",
        "text_models.row.prefix is ''; tiny was made for 'query: '",
    ]
    assert told(trained_text(epochs=1, pooling="cls", prefix="query: ")) == []
