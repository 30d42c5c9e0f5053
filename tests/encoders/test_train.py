"""Fitting: out-of-fold scores, frozen backbones, best epochs, imbalance, repeatable bytes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from ruamel.yaml import YAML
from sklearn.metrics import f1_score
from torch import Tensor, nn

from src.artifacts.outputs import RowOutput
from src.core.errors import UserError
from src.core.listings import labels_of
from src.core.params import parse_params
from src.core.rounds import cv_rounds
from src.core.schema import KernelImage, Tfidf, TrainedImage
from src.encoders.common.batches import OrderedBatches, TrainBatches
from src.encoders.common.encoder import EncoderOutput, FitPlan, best_epoch
from src.encoders.common.fine_tune import FineTune
from src.encoders.common.fit import fit
from src.encoders.common.folds import Trained, train
from src.encoders.common.heads import Head
from src.encoders.common.kernel_probe import KernelProbe
from src.encoders.common.linear_probe import LinearProbe
from src.encoders.common.loading import FeatureRows, make_loader
from src.encoders.common.network import network_encoder
from src.encoders.common.network_classifier import NetworkClassifier
from src.encoders.common.row import train_row
from src.encoders.image.data import ImageData
from src.encoders.image.train import train_image
from src.encoders.text.train import train_text
from tests.encoders.conftest import (
    TRAINER,
    kernel_image,
    kernel_text,
    state_bytes,
    trained_image,
    trained_text,
)
from tests.made import CLASSES, groups_of, made_table


class Groups(set[str]):
    """The groups that a model was fitted on, as a model."""

    def save(self, folder: Path) -> None:
        (folder / "model.json").touch()


class Memory:
    """An encoder whose one feature tells whether it was fitted on a listing's group."""

    frozen_features = True

    def __init__(
        self,
        table: pd.DataFrame,
        rows: NDArray[np.intp] | None = None,
        stops_early: bool = True,
    ) -> None:
        self.rows = np.arange(len(table)) if rows is None else rows
        self.groups = table["group"].to_numpy()[self.rows]
        self.known = np.ones(len(self.rows), bool)
        self.stops_early = stops_early
        self.fitted: list[tuple[list[int], FitPlan]] = []

    def fit(self, train: NDArray[np.intp], plan: FitPlan) -> tuple[Any, pd.DataFrame]:
        self.fitted.append((train.tolist(), plan))
        curves = pd.DataFrame()
        if self.stops_early and plan.val is not None:
            curves = pd.DataFrame({"epoch": [1, 2, 3], "val_f1_macro": [0.2, 0.5, 0.5]})
        return Groups(self.groups[train]), curves

    def score(self, model: Any, rows: NDArray[np.intp]) -> EncoderOutput:
        seen = np.array([group in model for group in self.groups[rows]], np.float32)
        probs = np.full((len(rows), 3), 1 / 3, np.float32)
        return EncoderOutput(seen[:, None], probs, self.known[rows])


def trained_photos(
    table: pd.DataFrame,
    packed: Path,
    weights: Path,
    settings: TrainedImage | KernelImage,
    seed: int = 7,
) -> tuple[Trained, ImageData]:
    photos = ImageData(table, packed, weights, settings)
    labels = labels_of(table)[1]
    encoder = network_encoder(photos, labels, CLASSES, settings, TRAINER, seed, "cnn")
    folds = settings.folds if isinstance(settings, TrainedImage) else 0
    return train(encoder, table, folds, seed, "cnn"), photos


@pytest.mark.parametrize("stops_early", [True, False])
@pytest.mark.parametrize("folds", [0, 3])
def test_every_row_is_fitted_on_train_and_val_and_scored_out_of_fold(
    folds: int, stops_early: bool
) -> None:
    table = made_table()
    table["group"] = [f"g{i // 4}" for i in range(len(table))]
    memory = Memory(table, stops_early=stops_early)
    trained = train(memory, table, folds, seed=1, name="memory")
    test, val = ((table["split"] == name).to_numpy() for name in ("test", "val"))
    assert trained.output.features[:, 0].tolist() == (~test).astype(float).tolist()
    assert trained.output.unseen(groups_of(table)).tolist() == test.tolist()
    assert trained.output.fitted_ids.tolist() == table["id"][~test].tolist()

    out_of_fold = trained.out_of_fold
    assert out_of_fold.ids.tolist() == table["id"][~test if folds else val].tolist()
    assert not out_of_fold.features.any()
    assert out_of_fold.unseen(groups_of(table)).all()
    assert set(out_of_fold.scored_by) == set(range(1, max(folds, 1) + 1))
    fits = [table["id"][rows].tolist() for rows, _ in memory.fitted]
    for number in set(out_of_fold.scored_by):
        assert out_of_fold.fitted_ids[out_of_fold.fitted_by == number].tolist() in fits


class Leaving(Memory):
    """An encoder that leaves out groups: the first probability counts up along the rows."""

    def fit_and_leave_out(
        self, train: NDArray[np.intp], plan: FitPlan
    ) -> tuple[Groups, NDArray[np.float32]]:
        model, _ = self.fit(train, plan)
        first = np.linspace(0, 1, len(train))
        return model, np.column_stack([first, 1 - first, 0 * first]).astype(np.float32)


def test_an_encoder_that_leaves_out_groups_is_fitted_once() -> None:
    table = made_table()
    table["group"] = [f"g{i // 4}" for i in range(len(table))]
    encoder = Leaving(table)
    encoder.known[[1, 50]] = False
    trained = train(encoder, table, 3, seed=1, name="leaving")
    both = np.flatnonzero(table["split"] != "test")
    assert [rows for rows, _ in encoder.fitted] == [both.tolist()]
    known = both[both != 1]
    out_of_fold = trained.out_of_fold
    assert out_of_fold.ids.tolist() == table["id"][known].tolist()
    assert out_of_fold.left_out.tolist() == table["group"][known].tolist()
    expected = np.linspace(0, 1, len(both)).astype(np.float32)[known]
    assert out_of_fold.probs[:, 0].tolist() == expected.tolist()
    assert out_of_fold.unseen(groups_of(table)).all()
    assert trained.output.unseen(groups_of(table)).sum() == 11


def test_listings_of_which_nothing_is_known_are_in_no_output() -> None:
    table = made_table()
    memory = Memory(table)
    memory.known[[1, 40, 50]] = False
    trained = train(memory, table, 3, seed=1, name="memory")
    ids = table["id"].drop([1, 40, 50])
    assert trained.output.ids.tolist() == ids.tolist()
    assert trained.out_of_fold.ids.tolist() == ids[table["split"] != "test"].tolist()
    trained = train(memory, table, 0, seed=1, name="memory")
    assert trained.output.ids.tolist() == ids.tolist()
    assert trained.out_of_fold.ids.tolist() == ids[table["split"] == "val"].tolist()


@pytest.mark.parametrize("folds", [0, 2])
def test_val_finds_the_epochs_once_and_every_other_fit_runs_them(
    folds: int, table: pd.DataFrame
) -> None:
    memory = Memory(table)
    train(memory, table, folds, seed=1, name="memory")
    (first, plan), *others = memory.fitted
    assert (table["split"].iloc[first] == "train").all()
    assert plan.val is not None
    assert plan.val.tolist() == np.flatnonzero(table["split"] == "val").tolist()
    # The first of the best epochs.
    assert [(plan.val, plan.epochs) for _, plan in others] == [(None, 2)] * (1 + folds)
    assert all((table["split"].iloc[rows] != "test").all() for rows, _ in memory.fitted)
    # No fit is done twice.
    assert len({tuple(rows) for rows, _ in memory.fitted}) == 2 + folds


def test_the_best_epoch_is_the_first_with_the_highest_f1() -> None:
    curves = pd.DataFrame({"epoch": [1, 2, 3, 4], "val_f1_macro": [0.1, 0.7, 0.3, 0.7]})
    assert best_epoch(curves) == 2
    assert best_epoch(pd.DataFrame()) is None


class Turned(Memory):
    """An encoder whose every fit gives the same features in a space turned another way."""

    frozen_features = False

    def __init__(self, table: pd.DataFrame) -> None:
        super().__init__(table, stops_early=False)
        self.x = np.random.default_rng(0).normal(size=(len(table), 5))

    def fit(self, train: NDArray[np.intp], plan: FitPlan) -> tuple[Any, pd.DataFrame]:
        turn = np.linalg.qr(np.random.default_rng(plan.seed).normal(size=(5, 5)))[0]
        return (turn, plan.seed), pd.DataFrame()

    def score(self, model: Any, rows: NDArray[np.intp]) -> EncoderOutput:
        turn, shift = model
        x = (self.x[rows] @ turn + shift).astype(np.float32)
        return EncoderOutput(x, np.full((len(rows), 3), 1 / 3, np.float32), self.known[rows])


@pytest.mark.parametrize("folds", [0, 3])
def test_out_of_fold_features_lie_in_the_space_of_the_full_encoder(folds: int) -> None:
    table = made_table()
    trained = train(Turned(table), table, folds, seed=1, name="turned")
    full = trained.output.features[np.isin(trained.output.ids, trained.out_of_fold.ids)]
    np.testing.assert_allclose(trained.out_of_fold.features, full, atol=1e-4)


def test_listings_that_the_model_cannot_read_have_no_features(table: pd.DataFrame) -> None:
    rows = np.arange(0, len(table), 2)
    trained = train(Memory(table, rows), table, 2, seed=1, name="memory")
    assert trained.output.ids.tolist() == table["id"].iloc[rows].tolist()
    assert set(trained.out_of_fold.ids) < set(trained.output.ids)


def test_every_repeat_is_fitted_in_every_round_with_a_seed_of_its_own(tmp_path: Path) -> None:
    table = made_table().assign(fold=np.arange(60) // 20)
    memory = Memory(table)
    train_row([memory], table, "memory", 0, 7, tmp_path, nodes=1, repeats=2)
    assert [plan.seed for _, plan in memory.fitted] == [7] * 6 + [8] * 6
    row = tmp_path / "embeddings" / "memory"
    for repeat in range(2):
        for cv_round, split in enumerate(cv_rounds(table)):
            found = RowOutput.load(row, cv_round, repeat)
            test = found.full.ids[found.full.unseen(groups_of(table))]
            assert test.tolist() == table["id"][split == "test"].tolist()
    folders = {str(path.parent.relative_to(row)) for path in row.rglob("*.npz")}
    repeated = {"repeat_1", "repeat_1/round_1", "repeat_1/round_2"}
    assert folders == {".", "round_1", "round_2"} | repeated


def test_impossible_folds_are_refused_in_one_line(table: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="memory: folds is 40") as error:
        train(Memory(table), table, 40, seed=1, name="memory")
    assert "\n" not in str(error.value)


def test_a_model_that_can_read_nothing_is_refused_in_one_line(
    packed: Path, cnn_weights: Path
) -> None:
    table = made_table(train=9, val=0, test=3)
    with pytest.raises(UserError, match="9 listings of the train split and 0 of the val"):
        train(Memory(table), table, 0, seed=1, name="memory")
    table = made_table().assign(photo_row=-1)
    with pytest.raises(UserError, match="0 listings of the train split"):
        trained_photos(table, packed, cnn_weights, trained_image())


def test_listings_of_one_category_are_refused_in_one_line(table: pd.DataFrame) -> None:
    alone = np.flatnonzero((table["category"] == CLASSES[0]).to_numpy())
    with pytest.raises(UserError, match=r"^row: the train split has listings of 1 category"):
        train(Memory(table, alone), table, 0, 7, "row")


class Diverging(Memory):
    """An encoder whose training diverges in some fold."""

    def __init__(self, table: pd.DataFrame, fold: int) -> None:
        super().__init__(table)
        self.fold = fold

    def score(self, model: Any, rows: NDArray[np.intp]) -> EncoderOutput:
        found = super().score(model, rows)
        failed = len(self.fitted) > self.fold + 1
        return found._replace(probs=found.probs * np.nan) if failed else found


@pytest.mark.parametrize("fold", [0, 2])
def test_outputs_that_are_no_numbers_are_refused_in_one_line(
    fold: int, table: pd.DataFrame
) -> None:
    with pytest.raises(UserError, match=r"^row: training diverged, .* lower its lr"):
        train(Diverging(table, fold), table, 3, 7, "row")


@pytest.mark.parametrize(
    "changes", [{"tune": "half"}, {"imbalance": "focal"}, {"batch": 1}], ids=lambda c: next(iter(c))
)
def test_unknown_settings_are_refused_in_one_line(changes: dict[str, Any]) -> None:
    params = YAML(typ="safe").load(Path("params.yaml"))
    params["image_models"]["cnn"] |= changes
    name, value = next(iter(changes.items()))
    says = f"params.yaml: image_models.cnn.{name} is {value!r}; expected "
    with pytest.raises(UserError, match=says) as error:
        parse_params(params)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (trained_image(), FineTune),
        (trained_text(), FineTune),
        (trained_image(tune="head"), LinearProbe),
        (kernel_image(), KernelProbe),
        (kernel_text(), KernelProbe),
    ],
    ids=["image", "text", "head", "kernel", "text kernel"],
)
def test_the_settings_choose_the_encoder(settings: Any, kind: type) -> None:
    encoder = network_encoder(Blank(4), np.arange(4), CLASSES, settings, TRAINER, 7, "blank")
    assert type(encoder) is kind


def test_a_plain_network_learns_the_shapes(
    table: pd.DataFrame, packed: Path, cnn_weights: Path
) -> None:
    trained, photos = trained_photos(table, packed, cnn_weights, trained_image(epochs=10))
    test = (table["split"] == "test").to_numpy()
    right = trained.output.probs[test].argmax(1) == labels_of(table)[1][test]
    assert right.mean() > 0.8
    np.testing.assert_allclose(trained.output.probs.sum(1), 1, atol=1e-5)
    assert not trained.output.frozen
    # The scores are those of the network that is handed out.
    network = trained.model.network.eval()
    with torch.inference_mode():
        probs = network(photos.batch(np.arange(len(table)))).softmax(1).numpy()
    np.testing.assert_allclose(probs, trained.output.probs, atol=1e-5)


@pytest.mark.parametrize("augment", ["none", "albumentations"])
def test_tuning_the_head_keeps_the_backbone_as_it_is(
    augment: str, table: pd.DataFrame, packed: Path, cnn_weights: Path
) -> None:
    settings = trained_image(tune="head", augment=augment, views=2, folds=2)
    trained, photos = trained_photos(table, packed, cnn_weights, settings)
    torch.manual_seed(7)
    start, fitted = photos.start(CLASSES).network, trained.model.network
    before, after = state_bytes(start.backbone), state_bytes(fitted.backbone)
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)
    head = state_bytes(start.head), state_bytes(fitted.head)
    assert (head[0]["3.weight"] != head[1]["3.weight"]).any()

    assert trained.output.frozen
    with torch.inference_mode():
        plain = start.eval().features(photos.batch(np.arange(len(table)))).numpy()
    np.testing.assert_allclose(trained.output.features, plain, atol=1e-4)
    # All encoders' features are one space.
    fitted = (table["split"] != "test").to_numpy()
    np.testing.assert_array_equal(trained.out_of_fold.features, trained.output.features[fitted])


def test_a_frozen_photo_is_seen_in_as_many_views_as_asked_for(
    table: pd.DataFrame, packed: Path, cnn_weights: Path
) -> None:
    settings = trained_image(tune="head", augment="albumentations", views=2)
    photos = ImageData(table, packed, cnn_weights, settings)
    encoder = LinearProbe(photos, labels_of(table)[1], CLASSES, settings, TRAINER, 7, "cnn")
    encoder.fit(np.arange(36), FitPlan(7, "cnn", np.arange(36, 48)))
    plain, *views = encoder.frozen.computed
    assert [view.shape for view in views] == [plain.shape] * 2
    assert not torch.equal(views[0], views[1])
    assert not torch.equal(views[0], plain)


def worsening(
    epochs: int, patience: int, network: nn.Module | None = None, run: int | None = None
) -> tuple[nn.Module, pd.DataFrame, Tensor, Tensor]:
    """Fit a network that starts right on labels that are all wrong: each epoch is worse.

    With `run` for so many epochs, without val.
    """
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    y = (x[:, 1] > x[:, 0]).long()
    network = network or nn.Linear(2, 2)
    nn.init.eye_(network.weight)
    nn.init.zeros_(network.bias)
    settings = trained_image(
        epochs=epochs, patience=patience, lr=0.1, weight_decay=0.0, imbalance="none"
    )
    rows, wrong = np.arange(64), (1 - y).numpy()
    curves = fit(
        network,
        make_loader(FeatureRows([x], wrong, rows), TrainBatches(wrong, 16, seed=1)),
        None if run else make_loader(FeatureRows([x], y.numpy(), rows), OrderedBatches(64, 64)),
        wrong,
        2,
        settings,
        TRAINER,
        "worsening",
        run,
    )
    return network, curves, x, y


@pytest.mark.parametrize("fold", [0, 1])
def test_a_head_on_frozen_features_is_fitted_with_its_dropout_and_scaling(
    fold: int, table: pd.DataFrame, packed: Path, cnn_weights: Path
) -> None:
    settings = trained_image(tune="head", epochs=5)
    photos = ImageData(table, packed, cnn_weights, settings)
    encoder = LinearProbe(photos, labels_of(table)[1], CLASSES, settings, TRAINER, 7, "cnn")
    rows, val = np.arange(36), np.arange(36, 48)
    for each in range(fold + 1):
        model, _ = encoder.fit(rows, FitPlan(7 + each, "cnn", val))
    # The scaling has learned the features' mean; it starts at 0.
    mean = encoder.frozen.plain[rows].mean(0)
    learned = model.network.head[0].running_mean
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


def test_without_val_the_weights_are_those_after_the_epochs_asked_for() -> None:
    f1 = worsening(epochs=12, patience=12)[1]["val_f1_macro"]
    for epochs in (1, 4, 12):
        network, curves, x, y = worsening(epochs=12, patience=12, run=epochs)
        assert not len(curves)
        # The same steps as with val: the learning rate follows the plan of 12 epochs.
        found = f1_score(y, network(x).argmax(1), average="macro")
        assert found == pytest.approx(f1[epochs - 1])
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
    views = 0
    converted = None

    def __init__(self, n: int) -> None:
        self.rows = np.arange(n)
        self.groups = np.arange(n).astype(str)

    def start(self, classes: Sequence[str]) -> NetworkClassifier:
        network = nn.Sequential()
        network.head = Head(1, len(classes), 0.0)
        network.features = lambda batch: batch
        return NetworkClassifier(network, classes)

    def batch(self, rows: NDArray[np.intp]) -> Tensor:
        return torch.zeros(len(rows), 1)

    def augmented_batch(self, rows: NDArray[np.intp], epochs: list[int], seed: int) -> Tensor:
        return self.batch(rows)


@pytest.mark.parametrize(("imbalance", "rare"), [("none", 0.1), ("weights", 0.5), ("sampler", 0.5)])
def test_imbalance_decides_whether_a_rare_class_counts_as_much_as_a_common_one(
    imbalance: str, rare: float
) -> None:
    labels = np.repeat([0, 1], [1800, 200])
    # One epoch, so that there is no other one to bring back.
    settings = trained_image(tune="head", imbalance=imbalance, epochs=1, batch=100, lr=0.3)
    encoder = LinearProbe(Blank(2000), labels, CLASSES[:2], settings, TRAINER, 7, "blank")
    rows = np.arange(2000)
    model, _ = encoder.fit(rows, FitPlan(7, "blank", rows))
    probs = encoder.score(model, rows[:1]).probs
    assert probs[0, 1] == pytest.approx(rare, abs=0.15)


@pytest.mark.parametrize("imbalance", ["none", "weights", "sampler"])
def test_a_class_without_training_rows_stops_nothing(imbalance: str) -> None:
    labels = np.array([0, 2] * 20 + [0, 1, 2])
    settings = trained_image(tune="head", imbalance=imbalance)
    encoder = LinearProbe(Blank(43), labels, CLASSES, settings, TRAINER, 7, "blank")
    model, curves = encoder.fit(np.arange(40), FitPlan(7, "blank", np.arange(40, 43)))
    assert np.isfinite(curves.to_numpy()).all()
    assert np.isfinite(encoder.score(model, np.arange(43)).probs).all()


def saved_bytes(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


SETTINGS = {
    "photos": trained_image(epochs=2, folds=2),
    "augmented head": trained_image(
        epochs=2, folds=2, tune="head", augment="albumentations", views=2
    ),
    "kernel": kernel_image(),
    "text": trained_text(epochs=2, folds=2),
    "words and network": kernel_text(words=0.5),
    "bag of words": Tfidf(
        network="", weights="none", folds=2, C=10.0, components=8, imbalance="weights"
    ),
}


@pytest.fixture
def data(
    packed: Path, cnn_weights: Path, tokens: Path, bert_weights: Path, table: pd.DataFrame,
    tmp_path: Path,
) -> Path:  # fmt: skip
    """The folder that training stages read, for every row of SETTINGS."""
    data = tmp_path / "data"
    (data / "weights").mkdir(parents=True)
    (data / "tokens" / "bag of words").mkdir(parents=True)
    (data / "packed").symlink_to(packed)
    for row in ("photos", "augmented head", "kernel"):
        (data / "weights" / row).symlink_to(cnn_weights)
    for row in ("text", "words and network"):
        (data / "weights" / row).symlink_to(bert_weights)
        (data / "tokens" / row).symlink_to(tokens)
    words = {"title": table["title_words"].str.split(), "body": table["text_words"].str.split()}
    words = pd.DataFrame({"id": table["id"], **words})
    words.to_parquet(data / "tokens" / "bag of words" / "tokens.parquet")
    return data


def train_any(row: str, table: pd.DataFrame, data: Path) -> None:
    stage = train_image if row in ("photos", "augmented head", "kernel") else train_text
    stage(table, row, SETTINGS[row], TRAINER, 7, data)


@pytest.mark.parametrize("kind", SETTINGS)
def test_two_fits_give_equal_bytes(
    kind: str, table: pd.DataFrame, data: Path, tmp_path: Path
) -> None:
    found = []
    for _ in range(2):
        train_any(kind, table, data)
        found.append(saved_bytes(data / "checkpoints") | saved_bytes(data / "embeddings"))
        torch.rand(3)  # another state of the generator must not matter
    one, two = found
    text_network = {"config.json", "tokenizer.json"}
    files = {"model.json", "features.npz", "out_of_fold.npz"}
    if kind != "bag of words":
        files |= {"model.safetensors"}
    if kind in ("text", "words and network"):
        files |= text_network
    if kind in ("bag of words", "words and network"):
        files |= {"model.npz"}
    if kind in ("photos", "augmented head", "text"):
        files |= {"curves.csv"}
    assert {Path(name).name for name in one} == files
    assert one == two


def test_neither_the_home_folder_nor_a_busy_machine_changes_a_byte(
    table: pd.DataFrame, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_any("photos", table, data)
    expected = saved_bytes(data / "embeddings")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    # A clock by which everything takes an hour.
    hours = iter(range(10**6))
    monkeypatch.setattr(time, "perf_counter", lambda: 3600.0 * next(hours))
    train_any("photos", table, data)
    assert saved_bytes(data / "embeddings") == expected
    assert list(home.iterdir()) == []


def test_a_machine_that_helps_another_writes_nothing(
    table: pd.DataFrame, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_RANK", "1")
    train_row([Memory(table)], table, "memory", 2, 7, data, nodes=2)
    assert not (data / "embeddings").exists() and not (data / "checkpoints").exists()


def test_another_seed_gives_another_network(
    table: pd.DataFrame, packed: Path, cnn_weights: Path
) -> None:
    one, two = (
        trained_photos(table, packed, cnn_weights, trained_image(epochs=1), seed)[0].output.probs
        for seed in (7, 8)
    )
    assert (one != two).any()
