"""Curves in MLflow while a row is trained, in the one run that `track` completes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from src.predict.mlflow_store import store_errors
from src.tracking.live import Viewer
from src.tracking.rows import read_tracked_rows
from src.tracking.tracking import track
from tests.tracking.conftest import mlflow_client, mlflow_runs

ROOT = Path(__file__).resolve().parents[2]


def add(file: Path, **values: Any) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"fit": "cnn"} | values) + "\n")


def cnn_key(repo: Path) -> str:
    (row,) = (row for row in read_tracked_rows(repo) if row.name == "cnn")
    assert row.lock_hash
    return row.lock_hash


@pytest.fixture
def file(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(repo)
    return repo / "live.jsonl"


def viewer(repo: Path, file: Path) -> Viewer:
    return Viewer("train_image@cnn", cnn_key(repo), file, "listings")


def points(repo: Path, run: Run, name: str) -> list[tuple[int, float]]:
    history = mlflow_client(repo).get_metric_history(run.info.run_id, name)
    return [(point.step, point.value) for point in history]


def test_curves_are_shown_as_they_grow(repo: Path, file: Path) -> None:
    one = viewer(repo, file)
    one.show()
    # No run before there is something to show.
    assert mlflow_client(repo).get_experiment_by_name("listings") is None
    add(file, step=10, train_loss=2.0, learning_rate=1e-3)
    add(file, step=20, train_loss=1.5, learning_rate=2e-3)
    one.show()
    (run,) = mlflow_runs(repo)
    assert (run.info.run_name, run.info.status) == ("cnn", "RUNNING")
    assert run.data.tags["row"] == "image/cnn"
    assert run.data.tags["dvc.stage"] == "train_image@cnn"
    assert points(repo, run, "cnn/train_loss") == [(10, 2.0), (20, 1.5)]
    add(file, epoch=1, val_f1_macro=0.5)
    add(file, fit="cnn, train + val", step=10, train_loss=1.0)
    add(file, fit="cnn, round 2", step=10, train_loss=3.0)
    add(file, fit="cnn, round 2", epoch=1, train_loss=2.5)
    with file.open("a") as lines:
        lines.write('{"fit": "cnn", "st')
    one.show()
    (run,) = mlflow_runs(repo)
    assert points(repo, run, "epoch/val_f1_macro") == [(1, 0.5)]
    assert points(repo, run, "cnn train and val/train_loss") == [(10, 1.0)]
    assert points(repo, run, "cnn round 2/train_loss") == [(10, 3.0)]
    assert points(repo, run, "cnn round 2 by epoch/train_loss") == [(1, 2.5)]
    assert points(repo, run, "cnn/train_loss") == [(10, 2.0), (20, 1.5)]
    one.end(done=True)
    assert mlflow_runs(repo)[0].info.status == "FINISHED"


def test_a_fit_that_goes_on_is_shown_in_the_same_run_and_no_point_twice(
    repo: Path, file: Path
) -> None:
    one = viewer(repo, file)
    for step in (10, 20):
        add(file, step=step, train_loss=float(step))
    one.show()
    one.end(done=False)
    assert mlflow_runs(repo)[0].info.status == "KILLED"
    with file.open("a") as lines:
        lines.write('{"fit": "cnn", "st')
    # The line that the kill has cut takes the next one with it.
    add(file, step=11, train_loss=11.0)
    for step in (20, 30):
        add(file, step=step, train_loss=float(step))
    other = viewer(repo, file)
    other.show()
    (run,) = mlflow_runs(repo)
    assert run.info.status == "RUNNING"
    assert points(repo, run, "cnn/train_loss") == [(10, 10.0), (20, 20.0), (30, 30.0)]


def test_track_completes_the_run_that_showed_the_training(repo: Path, file: Path) -> None:
    one = viewer(repo, file)
    add(file, step=10, train_loss=2.0)
    # As the training computes it; its table of curves is rounded.
    add(file, epoch=0, train_loss=2.0000001)
    one.show()
    shown = mlflow_runs(repo)[0].info.run_id
    rows = [row for row in read_tracked_rows(repo) if row.name in ("cnn", "resnet50")]
    assert "(2 new)" in track(rows, "listings", repo)
    runs = {run.data.tags["row"]: run for run in mlflow_runs(repo)}
    assert len(runs) == 2
    run = runs["image/cnn"]
    assert (run.info.run_id, run.info.status) == (shown, "FINISHED")
    assert run.data.metrics["f1"] == 0.9
    assert set(run.data.tags) == {*runs["image/resnet50"].data.tags}
    assert points(repo, run, "epoch/train_loss") == [(0, 2.0000001), (1, 1.0), (2, 0.5)]
    assert points(repo, run, "cnn/train_loss") == [(10, 2.0)]
    assert "(0 new)" in track(rows, "listings", repo)
    assert len(mlflow_runs(repo)) == 2


def test_a_state_that_is_complete_is_not_shown_again(repo: Path, file: Path) -> None:
    rows = [row for row in read_tracked_rows(repo) if row.name == "cnn"]
    track(rows, "listings", repo)
    one = viewer(repo, file)
    add(file, step=10, train_loss=2.0)
    one.show()
    one.end(done=True)
    (run,) = mlflow_runs(repo)
    assert "cnn/train_loss" not in run.data.metrics


def test_another_state_of_the_row_is_another_run(repo: Path, file: Path) -> None:
    for key in ("a" * 64, "b" * 64):
        add(file, step=10, train_loss=2.0)
        Viewer("train_image@cnn", key, file, "listings").show()
    assert len(mlflow_runs(repo)) == 2


def test_points_wait_until_the_store_can_be_written(
    repo: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = viewer(repo, file)
    add(file, step=10, train_loss=2.0)
    with monkeypatch.context() as patched:
        patched.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        patched.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        with pytest.raises(store_errors()):
            one.show()
    add(file, step=20, train_loss=1.0)
    one.show()
    assert points(repo, mlflow_runs(repo)[0], "cnn/train_loss") == [(10, 2.0), (20, 1.0)]


def test_a_new_store_is_made_whole_or_not_at_all(
    repo: Path, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = tmp_path / "new" / "runs.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}")
    add(file, step=10, train_loss=2.0)
    one = viewer(repo, file)
    with monkeypatch.context() as patched:
        # The tables are there, the file is not in its place.
        patched.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one.show()
    assert not list(store.parent.iterdir())
    one.show()
    client = MlflowClient(tracking_uri=f"sqlite:///{store}")
    (experiment,) = client.search_experiments(filter_string="name != 'Default'")
    (run,) = client.search_runs([experiment.experiment_id])
    assert [p.value for p in client.get_metric_history(run.info.run_id, "cnn/train_loss")] == [2.0]


def interrupted(*_: Any) -> None:
    """End as a process does that is killed."""
    raise KeyboardInterrupt


def run_viewer(repo: Path, file: Path, uri: str, said: str) -> subprocess.CompletedProcess[str]:
    for name in ("dvc.yaml", "params.yaml"):
        (repo / name).write_bytes((ROOT / name).read_bytes())
    return subprocess.run(
        [sys.executable, "-m", "src.tracking.live", "train_image@cnn", "a" * 64, str(file)],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": uri},
        input=said, capture_output=True, text=True, timeout=100,
    )  # fmt: skip


@pytest.mark.parametrize(("said", "status"), [("done", "FINISHED"), ("", "KILLED")])
def test_the_process_says_how_the_training_ended(
    said: str, status: str, repo: Path, file: Path
) -> None:
    add(file, step=10, train_loss=2.0)
    done = run_viewer(repo, file, "", said)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [run.info.status for run in mlflow_runs(repo)] == [status]


def test_a_server_that_is_down_costs_one_line(repo: Path, file: Path) -> None:
    add(file, step=10, train_loss=2.0)
    started = time.monotonic()
    done = run_viewer(repo, file, "http://me:secret@127.0.0.1:9", "done")
    assert time.monotonic() - started < 60
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, "", 1)
    assert done.stderr.startswith(
        "warning: the training of cnn is not shown in MLflow at http://127.0.0.1:9 ("
    )
    assert "secret" not in done.stderr
