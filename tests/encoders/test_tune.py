"""The command that measures this machine: what it prints, and that it changes nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from src.core.errors import UserError
from src.core.listings import labels_of
from src.core.params import all_params
from src.encoders import tune as tuning
from src.encoders.image.data import ImageData
from src.encoders.tune import Job, Measurement, fastest, find_jobs, tune
from tests.encoders.conftest import (
    TRAINER,
    kernel_image,
    kernel_text,
    state_bytes,
    trained_image,
    trained_text,
)
from tests.made import CLASSES

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("quick", "expected"),
    [(9.0, "exact"), (8.0, "exact"), (7.0, "quick"), (11.0, "exact"), (math.inf, "exact")],
)
def test_another_way_must_be_worth_it(quick: float, expected: str) -> None:
    assert fastest({"exact": 10.0, "quick": quick}) == expected


def job(table: pd.DataFrame, packed: Path, weights: Path, settings: Any) -> Job:
    data = ImageData(table, packed, weights, settings)
    return Job("cnn", data, labels_of(table)[1], list(CLASSES), settings)


@pytest.mark.parametrize(
    ("settings", "listings"),
    [
        (trained_image(epochs=5), 600),
        (trained_image(epochs=5, folds=2), 1_200),
        (trained_image(tune="head", augment="albumentations", views=3), 240),
        (kernel_image(), 60),
    ],
)
def test_a_job_counts_how_often_listings_pass_through_the_network(
    settings: Any, listings: int, table: pd.DataFrame, packed: Path, cnn_weights: Path
) -> None:
    assert job(table, packed, cnn_weights, settings).listings == listings


def measured(
    monkeypatch: pytest.MonkeyPatch, speeds: dict[str, Measurement | Exception]
) -> list[str]:
    """Put speeds in the place of measuring; gives the names of the choices that were measured."""
    asked: list[str] = []

    def stand_in(job: Job, choice: str, device: torch.device) -> Measurement:
        asked.append(choice)
        found = speeds[choice]
        if isinstance(found, Exception):
            raise found
        return found

    for name in ("time_training", "time_features"):
        monkeypatch.setattr(tuning, name, stand_in)
    return asked


@pytest.mark.parametrize(("faster", "expected"), [(2.0, "bf16-mixed"), (1.2, "32-true")])
def test_training_is_mixed_where_that_is_faster(
    faster: float,
    expected: str,
    table: pd.DataFrame,
    packed: Path,
    cnn_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speeds = {"32-true": Measurement(100.0), "bf16-mixed": Measurement(100.0 * faster)}
    asked = measured(monkeypatch, speeds)
    full = job(table, packed, cnn_weights, trained_image())
    chosen = tune([full], TRAINER.model_copy(update={"features": "openvino"}))
    # Nothing computes frozen features, so that choice stays as it is.
    assert chosen == {"precision": expected, "features": "openvino"}
    assert asked == ["32-true", "bf16-mixed"]


def test_the_fastest_backend_that_works_and_is_exact_enough_is_chosen(
    table: pd.DataFrame,
    packed: Path,
    cnn_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    speeds = {
        "torch": Measurement(10.0),
        "torch-bfloat16": Measurement(40.0, inexactness=0.08),
        "openvino": RuntimeError("no such operation\nmore"),
        "openvino-bfloat16": Measurement(90.0, inexactness=0.3),
    }
    measured(monkeypatch, speeds)
    frozen = job(table, packed, cnn_weights, kernel_image())
    chosen = tune([frozen], TRAINER)
    assert chosen == {"precision": "32-true", "features": "torch-bfloat16"}
    said = capsys.readouterr().out
    assert "cnn, features torch-bfloat16: 40.0 listings/s after 0.0 s, inexactness 0.08" in said
    assert "cnn, features openvino: cannot be used: RuntimeError: no such operation\n" in said


def test_time_to_set_up_counts(
    table: pd.DataFrame, packed: Path, cnn_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds = {
        "torch": Measurement(10.0),
        "torch-bfloat16": Measurement(9.0),
        "openvino": Measurement(100.0, setup_s=5.0),
        "openvino-bfloat16": Measurement(9.0),
    }
    measured(monkeypatch, speeds)
    # 60 listings take 6 s, or 5 s and 0.6 s; 600 take 60 s, or 5 s and 6 s.
    frozen = job(table, packed, cnn_weights, kernel_image())
    assert tune([frozen], TRAINER)["features"] == "torch"
    augmented = trained_image(tune="head", augment="albumentations", views=9)
    views = job(table, packed, cnn_weights, augmented)
    assert tune([views], TRAINER)["features"] == "openvino"


@pytest.fixture
def data(
    table: pd.DataFrame, packed: Path, cnn_weights: Path, tokens: Path, bert_weights: Path,
    tmp_path: Path,
) -> Path:  # fmt: skip
    """What the stages before training leave for the rows photo, kernel, text and words."""
    data = tmp_path / "data"
    for name in ("prepared", "weights", "tokens"):
        (data / name).mkdir(parents=True)
    table.to_parquet(data / "prepared" / "listings.parquet")
    (data / "packed").symlink_to(packed)
    for row in ("photo", "kernel"):
        (data / "weights" / row).symlink_to(cnn_weights)
    for row in ("text", "text_kernel"):
        (data / "weights" / row).symlink_to(bert_weights)
        (data / "tokens" / row).symlink_to(tokens)
    return data


def params_of(**rows: Any) -> Any:
    params = all_params()
    tfidf = {"tfidf": params.text_models["tfidf"]}
    return params.model_copy(
        update={
            "image_models": {k: v for k, v in rows.items() if hasattr(v, "pixels")},
            "text_models": {k: v for k, v in rows.items() if hasattr(v, "max_tokens")} | tfidf,
        }
    )


def test_every_choice_of_every_row_is_measured_and_nothing_is_written(
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tuning, "TIMED_S", 0.0)
    rows: dict[str, Any] = {
        "photo": trained_image(),
        "kernel": kernel_image(),
        "text": trained_text(),
        "text_kernel": kernel_text(words=0.5),
    }
    before = sorted(data.rglob("*"))
    jobs = find_jobs(params_of(**rows), [*rows, "tfidf"], data)
    assert [job.row for job in jobs] == list(rows)
    chosen = tune(jobs, TRAINER)
    assert set(chosen) == {"precision", "features"}
    said = capsys.readouterr().out
    for row in ("photo", "text"):
        for precision in ("32-true", "bf16-mixed"):
            assert f"{row}, precision {precision}: " in said
    for row in ("kernel", "text_kernel"):
        for backend in ("torch", "torch-bfloat16", "openvino", "openvino-bfloat16"):
            assert f"{row}, features {backend}: " in said
    assert "cannot be used" not in said
    assert sorted(data.rglob("*")) == before


def test_rows_that_are_not_there_or_not_computed_are_refused_in_one_line(
    data: Path,
) -> None:
    params = params_of(photo=trained_image(), other=trained_image())
    for row, says in (("cnm", "cnm is not a row of params.yaml"), ("other", "run `dvc repro`")):
        with pytest.raises(UserError, match=says) as error:
            find_jobs(params, [row], data)
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="run `dvc repro` first"):
        find_jobs(params, ["photo"], data / "none")


def test_timing_leaves_the_network_as_it_starts(
    table: pd.DataFrame, packed: Path, cnn_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "TIMED_S", 0.0)
    full = job(table, packed, cnn_weights, trained_image())
    model = full.data.start(CLASSES)
    monkeypatch.setattr(ImageData, "start", lambda *_: model)
    weights = {k: v for k, v in state_bytes(model.network).items() if k.endswith("weight")}
    before = {name: value.copy() for name, value in weights.items()}
    found = tuning.time_training(full, "bf16-mixed", CPU)
    assert found.rate > 0
    for name, value in before.items():
        np.testing.assert_array_equal(state_bytes(model.network)[name], value)
