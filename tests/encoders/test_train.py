"""Fitting: out-of-fold scores, frozen backbones, best epochs, imbalance, repeatable bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from torch import Tensor, nn

from src.core.errors import UserError
from src.core.listings import labels_of
from src.encoders.common.batches import OrderedBatches, TrainBatches
from src.encoders.common.fit import fit
from src.encoders.common.folds import Encoder, Trained, train
from src.encoders.common.heads import Head
from src.encoders.common.network import NetworkEncoder, _FeatureRows, _loader
from src.encoders.common.row import save_model, save_scores
from src.encoders.image.data import ImageData
from src.encoders.text.data import TextData
from src.encoders.text.tfidf import BagOfWords
from tests.encoders.conftest import TRAINER, state_bytes
from tests.made import groups_of, made_table


class Memory:
    """An encoder whose one feature tells whether it was fitted on a listing's group."""

    frozen_features = False
    stops_early = True

    def __init__(self, table: pd.DataFrame, rows: NDArray[np.intp] | None = None) -> None:
        self.rows = np.arange(len(table)) if rows is None else rows
        self.groups = table["group"].to_numpy()[self.rows]
        self.fitted: dict[int, list[int]] = {}
        self.val: set[tuple[int, ...]] = set()

    def fit(
        self, train: NDArray[np.intp], val: NDArray[np.intp], number: int
    ) -> tuple[Any, pd.DataFrame]:
        self.fitted[number] = train.tolist()
        self.val.add(tuple(val))
        return set(self.groups[train]), pd.DataFrame()

    def score(
        self, model: Any, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        seen = np.array([group in model for group in self.groups[rows]], np.float32)
        return seen[:, None], np.full((len(rows), 3), 1 / 3, np.float32)


def trained_photos(
    table: pd.DataFrame, packed: Path, weights: Path, spec: dict[str, Any], seed: int = 7
) -> tuple[Trained, ImageData]:
    photos = ImageData(table, packed, weights, spec)
    classes, labels = labels_of(table)
    encoder = NetworkEncoder(photos, labels, len(classes), spec, TRAINER, seed, "cnn")
    return train(encoder, table, spec["folds"], seed, "cnn"), photos


def test_out_of_fold_scores_come_from_encoders_that_saw_neither_row_nor_group() -> None:
    table = made_table()
    table["group"] = [f"g{i // 4}" for i in range(len(table))]
    memory = Memory(table)
    trained = train(memory, table, 3, seed=1, name="memory")
    in_train = (table["split"] == "train").to_numpy()
    assert trained.features.features[:, 0].tolist() == in_train.astype(float).tolist()
    assert trained.features.unseen(groups_of(table)).tolist() == (~in_train).tolist()

    out_of_fold = trained.out_of_fold
    assert out_of_fold is not None
    assert out_of_fold.ids.tolist() == table["id"][in_train].tolist()
    assert not out_of_fold.features.any()
    assert out_of_fold.unseen(groups_of(table)).all()
    assert set(out_of_fold.scored_by) == {1, 2, 3}
    for number, rows in memory.fitted.items():
        said = out_of_fold if number else trained.features
        assert said.fitted_ids[said.fitted_by == number].tolist() == table["id"][rows].tolist()


def test_every_encoder_stops_by_the_val_part_and_none_is_fitted_on_val_or_test(
    table: pd.DataFrame,
) -> None:
    memory = Memory(table)
    train(memory, table, 2, seed=1, name="memory")
    assert memory.val == {tuple(np.flatnonzero(table["split"] == "val"))}
    assert all((table["split"].iloc[rows] == "train").all() for rows in memory.fitted.values())


def test_listings_that_the_model_cannot_read_have_no_features(table: pd.DataFrame) -> None:
    rows = np.arange(0, len(table), 2)
    trained = train(Memory(table, rows), table, 2, seed=1, name="memory")
    assert trained.features.ids.tolist() == table["id"].iloc[rows].tolist()
    assert trained.out_of_fold is not None
    assert set(trained.out_of_fold.ids) < set(trained.features.ids)


def test_without_folds_there_are_no_out_of_fold_scores(table: pd.DataFrame) -> None:
    assert train(Memory(table), table, 0, seed=1, name="memory").out_of_fold is None


@pytest.mark.parametrize("folds", [1, -1, 40])
def test_impossible_folds_are_refused_in_one_line(folds: int, table: pd.DataFrame) -> None:
    with pytest.raises(UserError, match=f"memory: folds is {folds}") as error:
        train(Memory(table), table, folds, seed=1, name="memory")
    assert "\n" not in str(error.value)


def test_a_model_that_can_read_nothing_is_refused_in_one_line(
    packed: Path, cnn_weights: Path, spec: dict[str, Any]
) -> None:
    table = made_table(train=9, val=0, test=3)
    with pytest.raises(UserError, match="9 listings of the train part and 0 of the val"):
        train(Memory(table), table, 0, seed=1, name="memory")
    table = made_table().assign(photo_row=-1)
    with pytest.raises(UserError, match="0 listings of the train part"):
        trained_photos(table, packed, cnn_weights, spec)


@pytest.mark.parametrize(
    "changes", [{"tune": "half"}, {"imbalance": "focal"}, {"batch": 1}], ids=lambda c: next(iter(c))
)
def test_unknown_settings_are_refused_in_one_line(
    changes: dict[str, Any],
    table: pd.DataFrame,
    packed: Path,
    cnn_weights: Path,
    spec: dict[str, Any],
) -> None:
    name, value = next(iter(changes.items()))
    with pytest.raises(UserError, match=f"{name} is {value!r}; expected .*params.yaml") as error:
        trained_photos(table, packed, cnn_weights, spec | changes)
    assert "\n" not in str(error.value)


def test_a_plain_network_learns_the_shapes(
    table: pd.DataFrame, packed: Path, cnn_weights: Path, spec: dict[str, Any]
) -> None:
    trained, photos = trained_photos(table, packed, cnn_weights, spec | {"epochs": 10})
    test = (table["split"] == "test").to_numpy()
    right = trained.features.probs[test].argmax(1) == labels_of(table)[1][test]
    assert right.mean() > 0.8
    np.testing.assert_allclose(trained.features.probs.sum(1), 1, atol=1e-5)
    assert not trained.features.frozen
    # The scores are those of the network that is handed out.
    network = trained.model.eval()
    with torch.inference_mode():
        probs = network(photos.batch(np.arange(len(table)))).softmax(1).numpy()
    np.testing.assert_allclose(probs, trained.features.probs, atol=1e-5)


@pytest.mark.parametrize("augment", ["none", "albumentations"])
def test_tuning_the_head_keeps_the_backbone_as_it_is(
    augment: str, table: pd.DataFrame, packed: Path, cnn_weights: Path, spec: dict[str, Any]
) -> None:
    spec |= {"tune": "head", "augment": augment, "views": 2, "folds": 2}
    trained, photos = trained_photos(table, packed, cnn_weights, spec)
    torch.manual_seed(7)
    start = photos.network(3)
    before, after = state_bytes(start.backbone), state_bytes(trained.model.backbone)
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)
    head = state_bytes(start.head), state_bytes(trained.model.head)
    assert (head[0]["2.weight"] != head[1]["2.weight"]).any()

    assert trained.features.frozen
    with torch.inference_mode():
        plain = start.eval().features(photos.batch(np.arange(len(table)))).numpy()
    np.testing.assert_allclose(trained.features.features, plain, atol=1e-4)
    # All encoders' features are one space.
    assert trained.out_of_fold is not None
    in_train = (table["split"] == "train").to_numpy()
    np.testing.assert_array_equal(trained.out_of_fold.features, trained.features.features[in_train])


def test_a_frozen_photo_is_seen_in_as_many_views_as_asked_for(
    table: pd.DataFrame, packed: Path, cnn_weights: Path, spec: dict[str, Any]
) -> None:
    spec |= {"tune": "head", "augment": "albumentations", "views": 2}
    photos = ImageData(table, packed, cnn_weights, spec)
    encoder = NetworkEncoder(photos, labels_of(table)[1], 3, spec, TRAINER, 7, "cnn")
    encoder.fit(np.arange(36), np.arange(36, 48), 0)
    assert encoder.frozen is not None
    assert [view.shape for view in encoder.views] == [encoder.frozen.shape] * 2
    assert not torch.equal(encoder.views[0], encoder.views[1])
    assert not torch.equal(encoder.views[0], encoder.frozen)


def worsening(
    epochs: int, patience: int, network: nn.Module | None = None
) -> tuple[nn.Module, pd.DataFrame, Tensor, Tensor]:
    """Fit a network that starts right on labels that are all wrong: each epoch is worse."""
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    y = (x[:, 1] > x[:, 0]).long()
    network = network or nn.Linear(2, 2)
    nn.init.eye_(network.weight)
    nn.init.zeros_(network.bias)
    spec = {
        "epochs": epochs, "patience": patience, "lr": 0.1, "weight_decay": 0.0, "imbalance": "none"
    }  # fmt: skip
    rows, wrong = np.arange(64), (1 - y).numpy()
    curves = fit(
        network,
        _loader(_FeatureRows([x], wrong, rows), TrainBatches(wrong, 16, seed=1)),
        _loader(_FeatureRows([x], y.numpy(), rows), OrderedBatches(64, 64)),
        wrong,
        2,
        spec,
        TRAINER,
        "worsening",
    )
    return network, curves, x, y


@pytest.mark.parametrize("number", [0, 1])
def test_a_head_on_frozen_features_is_fitted_with_its_dropout_and_scaling(
    number: int, table: pd.DataFrame, packed: Path, cnn_weights: Path, spec: dict[str, Any]
) -> None:
    spec |= {"tune": "head", "epochs": 5}
    photos = ImageData(table, packed, cnn_weights, spec)
    encoder = NetworkEncoder(photos, labels_of(table)[1], 3, spec, TRAINER, 7, "cnn")
    rows, val = np.arange(36), np.arange(36, 48)
    for encoder_number in range(number + 1):
        network, _ = encoder.fit(rows, val, encoder_number)
    assert encoder.frozen is not None
    # The scaling has learned the features' mean; it starts at 0.
    learned, mean = network.head[0].running_mean, encoder.frozen[rows].mean(0)
    assert (learned - mean).norm() < 0.7 * mean.norm()


def test_the_weights_of_the_best_epoch_are_brought_back() -> None:
    network, curves, x, y = worsening(epochs=12, patience=12)
    f1 = curves["val_f1_macro"]
    assert f1.iloc[-1] < 0.1 < 0.9 < f1.max()
    found = f1_score(y, network(x).argmax(1), average="macro")
    assert found == pytest.approx(f1.max())
    assert curves["epoch"].tolist() == list(range(1, 13))
    assert list(curves) == ["epoch", "train_loss", "val_loss", "val_f1_macro"]
    assert not network.training


def test_a_network_that_comes_in_eval_mode_is_fitted_in_training_mode() -> None:
    modes: list[tuple[bool, bool]] = []
    network = nn.Linear(2, 2).eval()
    network.register_forward_pre_hook(
        lambda module, _: modes.append((module.training, torch.is_grad_enabled()))
    )
    worsening(epochs=2, patience=2, network=network)
    assert set(modes) == {(True, True), (False, False)}


def test_training_stops_when_patience_is_over() -> None:
    assert len(worsening(epochs=12, patience=2)[1]) < 12


class Blank:
    """Listings that all look alike: what a network says of them is what its training favours."""

    lengths = None
    what = "blank"
    augment = None

    def __init__(self, n: int) -> None:
        self.rows = np.arange(n)

    def network(self, num_classes: int) -> nn.Module:
        network = nn.Sequential()
        network.head = Head(1, num_classes, 0.0)
        network.features = lambda batch: batch
        return network

    def batch(self, rows: NDArray[np.intp]) -> Tensor:
        return torch.zeros(len(rows), 1)

    def varied_batch(self, rows: NDArray[np.intp], epochs: list[int], seed: int) -> Tensor:
        return self.batch(rows)


@pytest.mark.parametrize(("imbalance", "rare"), [("none", 0.1), ("weights", 0.5), ("sampler", 0.5)])
def test_imbalance_decides_whether_a_rare_class_counts_as_much_as_a_common_one(
    imbalance: str, rare: float, spec: dict[str, Any]
) -> None:
    labels = np.repeat([0, 1], [1800, 200])
    # One epoch, so that there is no other one to bring back.
    spec |= {"imbalance": imbalance, "tune": "head", "epochs": 1, "batch": 100, "lr": 0.3}
    encoder = NetworkEncoder(Blank(2000), labels, 2, spec, TRAINER, 7, "blank")
    rows = np.arange(2000)
    network, _ = encoder.fit(rows, rows, 0)
    _, probs = encoder.score(network, rows[:1])
    assert probs[0, 1] == pytest.approx(rare, abs=0.15)


@pytest.mark.parametrize("imbalance", ["none", "weights", "sampler"])
def test_a_class_without_training_rows_stops_nothing(imbalance: str, spec: dict[str, Any]) -> None:
    labels = np.array([0, 2] * 20 + [0, 1, 2])
    spec |= {"imbalance": imbalance, "tune": "head"}
    encoder = NetworkEncoder(Blank(43), labels, 3, spec, TRAINER, 7, "blank")
    network, curves = encoder.fit(np.arange(40), np.arange(40, 43), 0)
    assert np.isfinite(curves.to_numpy()).all()
    assert np.isfinite(encoder.score(network, np.arange(43))[1]).all()


def saved_bytes(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("kind", ["photos", "augmented head", "text", "bag of words"])
def test_two_fits_give_equal_bytes(
    kind: str,
    table: pd.DataFrame,
    packed: Path,
    cnn_weights: Path,
    tokens: Path,
    bert_weights: Path,
    spec: dict[str, Any],
    tmp_path: Path,
) -> None:
    classes, labels = labels_of(table)
    spec |= {"epochs": 2, "C": 10.0, "components": 8}
    if kind == "augmented head":
        spec |= {"tune": "head", "augment": "albumentations", "views": 2}

    def save(out: Path) -> None:
        encoder: Encoder
        if kind == "bag of words":
            words = table.assign(
                title=table["title_words"].str.split(), body=table["text_words"].str.split()
            )
            encoder = BagOfWords(table, words, labels, len(classes), spec, 7)
        else:
            data = (
                TextData(table, tokens, bert_weights, spec)
                if kind == "text"
                else ImageData(table, packed, cnn_weights, spec)
            )
            encoder = NetworkEncoder(data, labels, len(classes), spec, TRAINER, 7, kind)
        trained = train(encoder, table, 2, 7, kind)
        save_model(trained, out / "checkpoint", {"spec": spec})
        save_scores(trained, out / "embeddings")

    save(tmp_path / "one")
    torch.rand(3)  # another state of the generator must not matter
    save(tmp_path / "two")
    one, two = saved_bytes(tmp_path / "one"), saved_bytes(tmp_path / "two")
    model = "skops" if kind == "bag of words" else "safetensors"
    assert set(one) >= {
        f"checkpoint/model.{model}",
        "checkpoint/model.json",
        "embeddings/features.npz",
        "embeddings/out_of_fold.npz",
    }
    assert ("checkpoint/curves.csv" in one) == (kind != "bag of words")
    assert one == two


def test_another_seed_gives_another_network(
    table: pd.DataFrame, packed: Path, cnn_weights: Path, spec: dict[str, Any]
) -> None:
    one, two = (
        trained_photos(table, packed, cnn_weights, spec | {"epochs": 1}, seed)[0].features.probs
        for seed in (7, 8)
    )
    assert (one != two).any()
