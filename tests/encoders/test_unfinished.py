"""A killed fit goes on after its last epoch and ends with the bytes of an unbroken one."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.multiprocessing import ProcessRaisedException

from src.core.listings import labels_of
from src.encoders.common.encoder import FitPlan
from src.encoders.common.lightning_module import TrainingModule
from src.encoders.common.loading import NetworkData
from src.encoders.common.network import network_encoder
from src.encoders.common.row import train_row
from src.encoders.common.unfinished_fit import UnfinishedFit
from src.encoders.image.data import ImageData
from src.encoders.text.data import TextData
from tests.encoders.conftest import TRAINER, state_bytes, trained_image, trained_text
from tests.made import CLASSES

FOLDS = 2
LONG: dict[str, Any] = {"epochs": 5, "patience": 5, "dropout": 0.3}

# Writes data/embeddings and data/checkpoints of a row under a folder.
Training = Callable[[Path, Path | None], None]


@pytest.fixture(params=["photos", "texts", "head"])
def training(request: pytest.FixtureRequest) -> Training:
    """What trains a row with dropout, and photos under batch normalisation."""
    table: pd.DataFrame = request.getfixturevalue("table")
    data: NetworkData
    if request.param == "texts":
        settings: Any = trained_text(**LONG)
        data = TextData(
            table,
            request.getfixturevalue("tokens"),
            request.getfixturevalue("bert_weights"),
            settings,
        )
    else:
        settings = trained_image(**LONG, tune="head" if request.param == "head" else "full")
        packed, weights = (request.getfixturevalue(name) for name in ("packed", "cnn_weights"))
        data = ImageData(table, packed, weights, settings)

    def run(out: Path, unfinished: Path | None) -> None:
        encoder = network_encoder(data, labels_of(table)[1], CLASSES, settings, TRAINER, 7, "row")
        train_row([encoder], table, "row", FOLDS, 7, out, 1, 1, unfinished)

    return run


def written(out: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()
    }


def test_a_row_killed_at_random_moments_is_that_of_an_unbroken_run(
    training: Training, tmp_path: Path
) -> None:
    training(tmp_path / "unbroken", None)
    # Forked, because starting Python and importing Lightning takes longer than all else.
    processes = multiprocessing.get_context("fork")
    kept, moments = tmp_path / "kept", random.Random(os.urandom(8))
    kept.mkdir()
    for _ in range(3):
        before = states(kept)
        process = processes.Process(target=training, args=(tmp_path / "broken", kept))
        process.start()
        while process.is_alive() and states(kept) == before:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.join()
    training(tmp_path / "broken", kept)
    expected = written(tmp_path / "unbroken")
    assert "checkpoints/row/model.safetensors" in expected
    assert written(tmp_path / "broken") == expected
    lines = [json.loads(line) for line in (kept / "live.jsonl").read_text().splitlines()]
    starts = Counter(line["fit"] for line in lines if line.get("step") == 1)
    assert set(starts) == {"row", "row, train + val", "row, fold 1", "row, fold 2"}
    # The first fit had an epoch behind it when it was first killed, so it never started again.
    assert starts["row"] == 1


def states(folder: Path) -> set[tuple[str, int]]:
    """Return the files of fits with the times of their last change."""
    found = set()
    for file in folder.glob("row*"):
        try:
            found.add((file.name, file.stat().st_mtime_ns))
        except FileNotFoundError:
            continue
    return found


def test_fits_that_are_done_are_not_repeated(
    training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training(tmp_path / "first", tmp_path)
    assert {file.suffix for file in tmp_path.glob("row*")} == {".result"}
    monkeypatch.setattr(TrainingModule, "training_step", fail)
    training(tmp_path / "again", tmp_path)
    assert written(tmp_path / "again") == written(tmp_path / "first")


def fail(*_: Any) -> None:
    raise RuntimeError("no step is left to do")


class Stopped(Exception):
    pass


class StoppingPhotos(ImageData):
    """Photos that cannot be read in one of the epochs."""

    stop_at: int | None = None

    def augmented_batch(self, rows: NDArray[np.intp], epochs: list[int], seed: int) -> Any:
        if epochs[0] == self.stop_at:
            raise Stopped(f"in epoch {self.stop_at}")
        return super().augmented_batch(rows, epochs, seed)


@pytest.fixture
def fit_photos(
    table: pd.DataFrame, packed: Path, cnn_weights: Path
) -> Callable[..., dict[str, NDArray[Any]]]:
    """What fits a network on photos and returns its weights."""

    def run(kept: Path | None, stop_at: int | None = None, **changes: int) -> Any:
        settings, trainer = trained_image(**LONG), TRAINER.model_copy(update=changes)
        photos = StoppingPhotos(table, packed, cnn_weights, settings)
        photos.stop_at = stop_at
        encoder = network_encoder(photos, labels_of(table)[1], CLASSES, settings, trainer, 7, "row")
        plan = FitPlan(7, "row", np.arange(36, 48), unfinished=kept)
        model, curves = encoder.fit(np.arange(36), plan)
        return state_bytes(model.network) | {"curves": curves.to_numpy()}

    return run


def assert_same(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]]) -> None:
    assert set(one) == set(other)
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []


@pytest.mark.parametrize("workers", [0, 1])
def test_a_fit_goes_on_whatever_loads_its_batches(
    workers: int, fit_photos: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Stopped, match="in epoch 3"):
        fit_photos(tmp_path, stop_at=3, workers=workers)
    assert_same(fit_photos(tmp_path, workers=workers), fit_photos(None, workers=workers))
    assert "row: goes on after epoch 3\n" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_go_on_too(fit_photos: Any, tmp_path: Path) -> None:
    # Lightning leaves a port in the environment.
    with patch.dict(os.environ):
        with pytest.raises(ProcessRaisedException, match="in epoch 3"):
            fit_photos(tmp_path, stop_at=3, devices=2)
        assert len(list(tmp_path.glob("*.ckpt"))) == 1
        assert_same(fit_photos(tmp_path, devices=2), fit_photos(None, devices=2))


def test_a_full_disk_costs_one_line_and_no_fit(
    fit_photos: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    save = torch.save
    monkeypatch.setattr(torch, "save", lambda content, _: save(content, "/dev/full"))
    found = fit_photos(tmp_path)
    said = [line for line in capsys.readouterr().err.splitlines() if "cannot be written" in line]
    assert len(said) == 1 and said[0].startswith(f"warning: {tmp_path}/row ")
    assert_same(found, fit_photos(None))
    assert {file.name for file in tmp_path.iterdir()} == {"live.jsonl"}


class Code:
    """Something whose loading would run code."""

    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> Any:
        return Path.touch, (self.touched,)


@pytest.mark.parametrize("fault", ["empty", "cut", "changed", "code"])
def test_a_broken_checkpoint_is_left_out_with_a_line(
    fault: str, fit_photos: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    with pytest.raises(Stopped):
        fit_photos(kept, stop_at=2)
    (checkpoint,) = kept.glob("*.ckpt")
    content = bytearray(checkpoint.read_bytes())
    if fault == "changed":
        content[len(content) // 2] ^= 1
    checkpoint.write_bytes({"empty": b"", "cut": content[:-1000]}.get(fault, content))
    if fault == "code":
        torch.save(Code(tmp_path / "touched"), checkpoint)
    assert_same(fit_photos(kept), fit_photos(None))
    assert f"warning: {checkpoint} is broken; the fit starts again\n" in capsys.readouterr().err
    assert not (tmp_path / "touched").exists()


def test_a_fit_of_another_name_or_by_more_processes_is_not_taken(tmp_path: Path) -> None:
    network = nn.Linear(2, 2)
    UnfinishedFit(tmp_path, "row, fold 1", 1).save_result(network, [])
    assert UnfinishedFit(tmp_path, "row, fold 1", 1).load_result(network) == []
    assert UnfinishedFit(tmp_path, "row, fold 2", 1).load_result(network) is None
    assert UnfinishedFit(tmp_path, "row, fold 1", 2).load_result(network) is None
