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
import torch
import torch.distributed as dist
from dvc.utils.serialize import modify_yaml
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn
from torch.multiprocessing import ProcessRaisedException

from src.artifacts.outputs import ModelOutput
from src.core.errors import UserError
from src.core.listings import PREPARED, labels_of, write_listings
from src.encoders.common.batches import OrderedBatches, TrainBatches
from src.encoders.common.fit import Classifier
from src.encoders.common.folds import train
from src.encoders.common.network import NetworkEncoder
from src.encoders.common.processes import processes
from src.encoders.image.data import ImageData
from src.encoders.text.data import TextData
from tests.encoders.conftest import TRAINER
from tests.made import made_table

ROOT = Path(__file__).parents[2]


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
    n = data.draw(st.integers(max(2, world), 200))
    size = data.draw(st.integers(max(2, world), 40))
    labels, lengths = np.arange(n) % 3, np.arange(n) % 17 if bucketed else None

    def batches() -> TrainBatches:
        return TrainBatches(labels, size, 1, balanced, lengths)

    shares = [epoch(batches(), rank, world) for rank in range(world)]
    whole = epoch(batches(), 0, 1)
    if len(whole) > len(shares[0]):
        # The last few rows were not one for each process, and joined the batch before them.
        assert n % size < world
        with patch.object(TrainBatches, "__len__", lambda _: len(shares[0])):
            whole = epoch(batches(), 0, 1)
    for rows, *parts in zip(whole, *shares, strict=True):
        assert sorted(row for split in parts for row in split) == sorted(rows)
        assert min(map(len, parts)) >= max(1, max(map(len, parts)) - 1)


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

    module = Classifier(network, weights, {})
    found, whole = torch.zeros_like(expected), weights[y].sum()
    with patch("src.encoders.common.fit.total", lambda _: whole):
        for rank in range(world):
            with patch("src.encoders.common.fit.world_size", lambda: world):
                split = module.training_step((x[rank::world], y[rank::world]), 0)
            # As DistributedDataParallel does.
            found += torch.autograd.grad(split, network.weight)[0] / world
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.stack(module._train).sum(), loss.detach())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"devices": 0}, "trainer.devices is 0; expected a number from 1 or auto"),
        ({"devices": "all"}, "trainer.devices is 'all'; expected"),
        ({"nodes": "auto"}, "trainer.nodes is 'auto'; expected a number from 1: set"),
        ({"nodes": 2}, "nodes is 2, but MASTER_ADDR, MASTER_PORT, NODE_RANK is not set"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_processes_that_cannot_be_started_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        processes(TRAINER | changes)


def test_more_processes_than_listings_to_judge_are_refused(
    packed: Path, cnn_weights: Path, spec: dict[str, Any]
) -> None:
    table = made_table(train=36, val=3)
    encoder = image_encoder(table, packed, cnn_weights, spec, devices=4)
    with pytest.raises(UserError, match="cnn: 4 processes and only 3 listings to share"):
        encoder.fit(np.arange(36), np.arange(36, 39), 0)


def test_photos_are_handed_to_other_processes_as_a_path(
    packed: Path, cnn_weights: Path, spec: dict[str, Any]
) -> None:
    photos = ImageData(made_table(), packed, cnn_weights, spec)
    sent = pickle.dumps(photos)
    assert len(sent) < 20_000 < photos.file.stat().st_size
    rows: NDArray[np.intp] = np.arange(5)
    assert torch.equal(pickle.loads(sent).batch(rows), photos.batch(rows))  # noqa: S301


def image_encoder(
    table: pd.DataFrame,
    packed: Path,
    weights: Path,
    spec: dict[str, Any],
    devices: int,
    seed: int = 7,
) -> NetworkEncoder:
    photos = ImageData(table, packed, weights, spec)
    # In single precision one process differs from itself as much by another number of threads.
    trainer = TRAINER | {"devices": devices, "precision": "64-true"}
    return NetworkEncoder(photos, labels_of(table)[1], 3, spec, trainer, seed, "cnn")


@pytest.mark.parametrize("kind", ["photos", "texts"])
def test_every_weight_that_is_fitted_has_a_gradient(
    kind: str,
    table: pd.DataFrame,
    packed: Path,
    cnn_weights: Path,
    tokens: Path,
    bert_weights: Path,
    spec: dict[str, Any],
) -> None:
    # Several processes would wait for it in vain.
    photos = kind == "photos"
    data: Any = (
        ImageData(table, packed, cnn_weights, spec)
        if photos
        else TextData(table, tokens, bert_weights, spec)
    )
    network = data.network(3)
    network(data.batch(np.arange(4))).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


class Failing(ImageData):
    """Photos that the second process cannot read."""

    def batch(self, rows: NDArray[np.intp]) -> torch.Tensor:
        if dist.is_initialized() and dist.get_rank() == 1:
            raise RuntimeError("no photo for the second process")
        return super().batch(rows)


@pytest.mark.slow
def test_a_process_that_fails_ends_the_others_and_the_fit(
    table: pd.DataFrame, packed: Path, cnn_weights: Path, spec: dict[str, Any]
) -> None:
    encoder = image_encoder(table, packed, cnn_weights, spec, devices=2)
    encoder.data = Failing(table, packed, cnn_weights, spec)
    with pytest.raises(ProcessRaisedException, match="no photo for the second process"):
        encoder.fit(np.arange(36), np.arange(36, 48), 0)
    assert not active_children()


@pytest.mark.slow
def test_a_stage_of_two_processes_writes_what_that_of_one_does(
    table: pd.DataFrame, packed: Path, cnn_weights: Path, tmp_path: Path
) -> None:
    for name in ("dvc.yaml", "params.yaml", ".dvc/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    with modify_yaml(str(tmp_path / "params.yaml")) as params:
        params["trainer"].update(accelerator="cpu", devices=2, precision="64-true")
        # Batches that do not halve; what is dropped out differs from process to process.
        spec = params["image_models"]["cnn"]
        spec.update(epochs=2, batch=11, dropout=0.0, size=32)
    spec, seed = dict(spec), params["seed"]
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

    encoder = image_encoder(table, packed, cnn_weights, spec, devices=1, seed=seed)
    expected = train(encoder, table, 0, seed, "cnn")
    curves = pd.read_csv(data / "checkpoints/cnn/curves.csv")
    np.testing.assert_allclose(curves, expected.curves, rtol=0, atol=1e-5)
    features = ModelOutput.load(data / "embeddings/cnn/features.npz")
    np.testing.assert_allclose(features.probs, expected.features.probs, rtol=0, atol=1e-5)
    stored = load_file(data / "checkpoints/cnn/model.safetensors")
    for name, value in expected.model.state_dict().items():
        torch.testing.assert_close(stored[name], value, rtol=0, atol=1e-5)
    # Each is written once, and nothing half-written stands beside it.
    for folder in ("checkpoints", "embeddings"):
        assert [path.name for path in (data / folder).iterdir()] == ["cnn"]
