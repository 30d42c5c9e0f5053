"""Several processes: shares of batches, the loss of the whole batch, two that fit as one does."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import timm
import torch
import torch.distributed as dist
from dvc.utils.serialize import modify_yaml
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.torch import load_file
from sklearn.metrics import f1_score
from torch import nn
from torch.multiprocessing import ProcessRaisedException

from benchmarks.ddp import PhotosWithoutNorm
from src.artifacts.outputs import RowOutput
from src.core.errors import UserError
from src.core.listings import PREPARED, labels_of, write_listings
from src.core.params import all_params
from src.core.schema import TrainedImage, Trainer
from src.encoders.common.batches import OrderedBatches, TrainBatches
from src.encoders.common.encoder import FitPlan
from src.encoders.common.fine_tune import FineTune
from src.encoders.common.lightning_module import TrainingModule
from src.encoders.common.processes import processes, synchronised
from src.encoders.common.row import train_row
from src.encoders.image.data import ImageData
from src.encoders.image.model import ImageClassifier
from src.encoders.text.data import TextData
from tests.made import CLASSES, made_table

ROOT = Path(__file__).parents[2]


def cnn(**changes: Any) -> TrainedImage:
    """The plain network's settings, for photos as small as the tests'."""
    small = {"pixels": 32, "epochs": 2, "batch": 12}
    settings = all_params().image_models["cnn"].model_copy(update=small | changes)
    assert isinstance(settings, TrainedImage)
    return settings


def on_cpus(**changes: Any) -> Trainer:
    return all_params().trainer.model_copy(update={"accelerator": "cpu"} | changes)


@contextmanager
def process(rank: int, world: int) -> Iterator[None]:
    """Be one of several processes, for what only counts them."""
    answers: dict[str, Any] = {
        "is_initialized": lambda: True,
        "get_rank": lambda: rank,
        "get_world_size": lambda: world,
    }
    with patch.multiple(dist, **answers):
        yield


def epoch(batches: TrainBatches | OrderedBatches, rank: int, world: int) -> list[list[int]]:
    with process(rank, world):
        found = [[row for _, row in rows] for rows in batches]
        assert len(batches) == len(found)
    return found


@given(data=st.data(), world=st.integers(1, 5), bucketed=st.booleans(), balanced=st.booleans())
def test_each_batch_of_one_process_is_cut_into_equal_shares(
    data: st.DataObject, world: int, bucketed: bool, balanced: bool
) -> None:
    n = data.draw(st.integers(2 * world, 200))
    size = data.draw(st.integers(2 * world, 40))
    labels, lengths = np.arange(n) % 3, np.arange(n) % 17 if bucketed else None

    def batches() -> TrainBatches:
        return TrainBatches(labels, size, 1, balanced, lengths)

    shares = [epoch(batches(), rank, world) for rank in range(world)]
    whole = epoch(batches(), 0, 1)
    if len(whole) > len(shares[0]):
        # The last few rows were not two for each process, and joined the batch before them.
        assert n % size < 2 * world
        with patch.object(TrainBatches, "__len__", lambda _: len(shares[0])):
            whole = epoch(batches(), 0, 1)
    for rows, *parts in zip(whole, *shares, strict=True):
        assert sorted(row for part in parts for row in part) == sorted(rows)
        assert min(map(len, parts)) >= max(2, max(map(len, parts)) - 1)


@given(n=st.integers(5, 100), batch=st.integers(1, 20), world=st.integers(1, 5))
def test_processes_judge_every_row_once_between_them(n: int, batch: int, world: int) -> None:
    lengths = np.arange(n) % 7
    found = [epoch(OrderedBatches(n, batch, lengths), rank, world) for rank in range(world)]
    assert sorted(row for batches in found for rows in batches for row in rows) == list(range(n))
    assert all(found)


@given(data=st.data(), world=st.integers(1, 4), weighted=st.booleans())
def test_the_shares_gradients_are_those_of_the_whole_batch(
    data: st.DataObject, world: int, weighted: bool
) -> None:
    y = torch.tensor(data.draw(st.lists(st.integers(0, 2), min_size=world, max_size=12)))
    x = torch.randn(len(y), 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([1.0, 0.2, 5.0] if weighted else [1.0] * 3, dtype=torch.float64)
    network = nn.Linear(4, 3).double()
    loss = nn.functional.cross_entropy(network(x), y, weight=weights)
    expected = torch.autograd.grad(loss, network.weight)[0]

    module = TrainingModule(network, weights, cnn())
    found, whole = torch.zeros_like(expected), weights[y].sum()
    with patch("src.encoders.common.lightning_module.total", lambda _: whole):
        for rank in range(world):
            with patch("src.encoders.common.lightning_module.world_size", lambda: world):
                part = module.training_step((x[rank::world], y[rank::world]), 0)
            # As DistributedDataParallel does.
            found += torch.autograd.grad(part, network.weight)[0] / world
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.stack(module._train).sum(), loss.detach())


def test_each_gpu_has_a_process() -> None:
    for gpus, expected in ((0, 1), (1, 1), (4, 4)):
        with patch("torch.cuda.device_count", lambda gpus=gpus: gpus):
            assert processes(on_cpus(accelerator="auto", devices="auto")) == expected
            assert processes(on_cpus(devices="auto")) == 1
            assert processes(on_cpus(devices=3)) == 3


def test_a_gpu_that_is_wanted_and_not_there_is_one_line() -> None:
    with (
        patch("torch.cuda.device_count", lambda: 0),
        patch("torch.backends.mps.is_available", lambda: False),
        pytest.raises(UserError, match=r"^trainer\.accelerator is gpu, but PyTorch finds no GPU"),
    ):
        processes(on_cpus(accelerator="gpu"))
    with patch("torch.cuda.device_count", lambda: 0):
        assert processes(on_cpus(accelerator="auto")) == 1


@pytest.mark.parametrize(
    ("changes", "environment", "says"),
    [
        ({"devices": 3}, {}, "trainer.devices is 3, but this machine has 2 GPUs; set auto"),
        ({"nodes": 2}, {}, "nodes is 2, but MASTER_ADDR, MASTER_PORT, NODE_RANK is not set"),
        (
            {"nodes": 2},
            {"MASTER_ADDR": "here", "MASTER_PORT": "29500", "NODE_RANK": "2"},
            "NODE_RANK is 2 and trainer.nodes 2; expected a NODE_RANK from 0 to 1",
        ),
    ],
    ids=["more than GPUs", "no address", "rank too high"],
)
def test_processes_that_cannot_be_started_are_refused(
    changes: dict[str, Any], environment: dict[str, str], says: str
) -> None:
    with (
        patch("torch.cuda.device_count", lambda: 2),
        patch.dict(os.environ, environment),
        pytest.raises(UserError, match=says),
    ):
        processes(on_cpus(accelerator="auto", **changes))


@pytest.mark.parametrize(
    ("batch", "val", "most"), [(12, 3, 3), (7, 12, 3)], ids=["a row of val each", "two of a batch"]
)
def test_more_processes_than_listings_to_judge_are_refused(
    batch: int, val: int, most: int, packed: Path, cnn_weights: Path
) -> None:
    table = made_table(train=36, val=val)
    encoder = image_encoder(table, packed, cnn_weights, cnn(batch=batch), devices=4)
    says = f"cnn: 4 processes, but batches of {batch}, 36 train listings and {val} val listings are"
    with pytest.raises(UserError, match=f"{says} enough for {most}; set fewer"):
        encoder.fit(np.arange(36), FitPlan(7, "cnn", np.arange(36, 36 + val)))


def test_photos_are_handed_to_other_processes_as_a_path(packed: Path, cnn_weights: Path) -> None:
    photos = ImageData(made_table(), packed, cnn_weights, cnn())
    sent = pickle.dumps(photos)
    assert len(sent) < 20_000 < photos.file.stat().st_size
    rows: NDArray[np.intp] = np.arange(5)
    assert torch.equal(pickle.loads(sent).batch(rows), photos.batch(rows))  # noqa: S301


def image_encoder(
    table: pd.DataFrame,
    packed: Path,
    weights: Path,
    settings: TrainedImage,
    devices: int,
    data: type[ImageData] = ImageData,
) -> FineTune:
    photos = data(table, packed, weights, settings)
    # In single precision one process differs from itself as much by another number of threads.
    trainer = on_cpus(devices=devices, precision="64-true")
    return FineTune(photos, labels_of(table)[1], CLASSES, settings, trainer, 7, "cnn")


@pytest.mark.parametrize("kind", ["photos", "texts"])
def test_every_weight_that_is_fitted_has_a_gradient(
    kind: str,
    table: pd.DataFrame,
    packed: Path,
    cnn_weights: Path,
    tokens: Path,
    bert_weights: Path,
) -> None:
    # Several processes would wait for it in vain.
    texts: Any = all_params().text_models["rubert_tiny2"].model_copy(update={"max_tokens": 16})
    data: ImageData | TextData = (
        ImageData(table, packed, cnn_weights, cnn())
        if kind == "photos"
        else TextData(table, tokens, bert_weights, texts)
    )
    network = data.start(CLASSES).network
    network(data.batch(np.arange(4))).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_batch_normalisation_over_all_processes_keeps_the_activation_of_timms_layers() -> None:
    network = nn.Sequential(
        timm.create_model("test_efficientnet", num_classes=0), nn.BatchNorm1d(256, affine=False)
    )
    before = [type(module) for module in network.modules()]
    found = synchronised(network)
    norms = [module for module in found.modules() if "BatchNorm" in type(module).__name__]
    assert len(norms) > 10
    assert all(isinstance(module, nn.SyncBatchNorm) for module in norms)
    # In one process it normalises as usual.
    x = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(found.train()(x), network.train()(x))
    assert [type(module) for module in network.modules()] == before
    network.load_state_dict(found.state_dict())


class Failing(ImageData):
    """Photos that the second process cannot read."""

    def batch(self, rows: NDArray[np.intp]) -> torch.Tensor:
        if dist.is_initialized() and dist.get_rank() == 1:
            raise RuntimeError("no photo for the second process")
        return super().batch(rows)


@pytest.mark.slow
def test_a_process_that_fails_ends_the_others_and_the_fit(
    table: pd.DataFrame, packed: Path, cnn_weights: Path
) -> None:
    encoder = image_encoder(table, packed, cnn_weights, cnn(), devices=2, data=Failing)
    # Idle workers that other tests have left.
    others = set(active_children())
    with pytest.raises(ProcessRaisedException, match="no photo for the second process"):
        encoder.fit(np.arange(36), FitPlan(7, "row", np.arange(36, 48)))
    assert set(active_children()) <= others


@pytest.mark.slow
def test_two_processes_write_what_one_does(
    table: pd.DataFrame, packed: Path, cnn_weights: Path, tmp_path: Path
) -> None:
    # Batches that do not halve; what is dropped out differs from process to process.
    settings = cnn(batch=13, dropout=0.0)
    for devices in (1, 2):
        encoder = image_encoder(
            table, packed, cnn_weights, settings, devices, data=PhotosWithoutNorm
        )
        train_row([encoder], table, "cnn", 0, 7, tmp_path / str(devices), nodes=1)
    one, two = tmp_path / "1", tmp_path / "2"
    expected, curves = (pd.read_csv(data / "checkpoints/cnn/curves.csv") for data in (one, two))
    np.testing.assert_allclose(curves, expected, rtol=0, atol=1e-5)
    output, found = (RowOutput.load(data / "embeddings/cnn", 0).full for data in (one, two))
    np.testing.assert_allclose(found.probs, output.probs, rtol=0, atol=1e-5)
    weights, stored = (load_file(data / "checkpoints/cnn/model.safetensors") for data in (one, two))
    assert set(stored) == set(weights)
    for name, value in weights.items():
        torch.testing.assert_close(stored[name], value, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_stage_of_two_processes_writes_its_row_once(
    table: pd.DataFrame, packed: Path, cnn_weights: Path, tmp_path: Path
) -> None:
    for name in ("dvc.yaml", "params.yaml", ".dvc/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    with modify_yaml(str(tmp_path / "params.yaml")) as params:
        params["trainer"].update(accelerator="cpu", devices=2)
        params["image_models"]["cnn"].update(epochs=2, batch=11, pixels=32)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    data = tmp_path / "data"
    write_listings(table, data / "prepared/listings.parquet", PREPARED)
    (data / "packed").symlink_to(packed)
    (data / "weights").mkdir()
    (data / "weights/cnn").symlink_to(cnn_weights)
    subprocess.run(
        [sys.executable, "-m", "stages.train_image", "cnn"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip

    curves = pd.read_csv(data / "checkpoints/cnn/curves.csv")
    assert curves["epoch"].tolist() == [1, 2]
    assert np.isfinite(curves.to_numpy()).all()
    output = RowOutput.load(data / "embeddings/cnn", 0)
    assert output.full.ids.tolist() == table["id"].tolist()
    np.testing.assert_allclose(output.full.probs.sum(1), 1, atol=1e-5)
    # Val is scored by the network of its best epoch on val.
    val = (table["split"] == "val").to_numpy()
    assert output.out_of_fold.ids.tolist() == table["id"][val].tolist()
    right = labels_of(table)[1][val], output.out_of_fold.probs.argmax(1)
    assert curves["val_f1_macro"].max() == pytest.approx(
        f1_score(*right, average="macro", zero_division=0), abs=1e-6
    )
    # The network that is stored is the one that was fitted on train and val.
    stored = ImageClassifier.load(data / "checkpoints/cnn").score(np.load(packed / "photos.npy"))
    np.testing.assert_allclose(stored.probs, output.full.probs, atol=1e-5)
    # Each is written once, and nothing half-written stands beside it.
    for folder in ("checkpoints", "embeddings"):
        assert [path.name for path in (data / folder).iterdir()] == ["cnn"]
