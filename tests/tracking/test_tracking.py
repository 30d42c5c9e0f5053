"""MLflow with a real SQLite store: one run per row and state, whatever is run again."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

import stages.track
from src.tracking.confusion import draw_confusion
from src.tracking.parent import Report, read_report
from src.tracking.rows import Row, read_rows
from src.tracking.tracking import LOG_LATER, track, tracking_uri

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    *(("image", name) for name in ("cnn", "resnet50", "efficientnet", "efficientnet_aug")),
    *(("text", name) for name in ("tfidf", "rubert_tiny2", "rubert")),
    *(("fused", name) for name in ("logreg", "knn", "forest", "network")),
    ("leaky", "logreg_leaky"),
]
STAGE = {"image": "train_image@{}", "text": "train_text@{}", "fused": "fuse@{}", "leaky": "leaky"}
CATEGORIES = [f"Категория номер {n}" for n in range(17)]


@pytest.fixture(autouse=True)
def _no_store_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables, laid by `track` where there were none: that takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    assert track([], "another", folder, patience_s=60).startswith("MLflow: 0 runs (0 new)")
    return folder / "mlruns.db"


@pytest.fixture
def repo(tmp_path: Path, empty_store: Path) -> Path:
    """A repository after `dvc repro`: the files that other stages leave for this one."""
    locked: dict[str, Any] = {}
    for kind, name in ROWS:
        _write(
            tmp_path / f"metrics/{kind}/{name}.json",
            json.dumps({"f1": 0.9, "per": {"Одежда, обувь": 1}}),
        )
        locked[STAGE[kind].format(name)] = {
            "cmd": f"python -m stages.some {name}",
            "deps": [{"path": "src/some.py", "hash": "md5", "md5": name, "size": 3}],
            "params": {
                "params.yaml": {f"{kind}_models.{name}": {"lr": 1e-05, "epochs": 3}, "seed": 7}
            },
            "outs": [{"path": "data/some", "md5": "changes nothing"}],
        }
        if kind == "leaky":
            continue
        _write(
            tmp_path / f"metrics/curves/{name}.csv",
            "epoch,train_loss,val_f1\n0,2,0.1\n1,1,0.5\n2,0.5,\n",
        )
        # One picture of the full size is enough: it takes a third of a second.
        shown = CATEGORIES if name == "cnn" else CATEGORIES[:3]
        pairs = [f"{a},{b}" for a, b in zip(shown, [*shown[1:], shown[1]], strict=True)]
        _write(tmp_path / f"metrics/confusion/{name}.csv", "\n".join(["actual,predicted", *pairs]))
        for file in ("model.safetensors", "about.json", "skip.ckpt"):
            _write(tmp_path / f"data/checkpoints/{name}/{file}", file)
    shutil.copyfile(empty_store, tmp_path / "mlruns.db")
    # JSON is YAML too.
    _write(tmp_path / "dvc.lock", json.dumps({"schema": "2.0", "stages": locked}))
    return tmp_path


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _client(home: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{home}/mlruns.db")


def _runs(home: Path, name: str = "listings") -> list[Run]:
    client = _client(home)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def test_every_row_once(repo: Path) -> None:
    rows = read_rows(repo)
    assert len(rows) == 12
    assert track(rows, "listings", repo).startswith("MLflow: 12 runs (12 new) in sqlite:///")
    assert track(read_rows(repo), "listings", repo).startswith("MLflow: 12 runs (0 new)")
    assert len(_runs(repo)) == 12
    changed = [replace(rows[0], lock_hash="f" * 64), *rows[1:]]
    assert "(1 new)" in track(changed, "listings", repo)
    assert len(_runs(repo)) == 13
    assert "(0 new)" in track(rows, "listings", repo)
    runs = _runs(repo)
    assert len(runs) == 13
    _check_contents(repo, rows, runs)


def _check_contents(repo: Path, rows: list[Row], runs: list[Run]) -> None:
    by_row = {run.data.tags["row"]: run for run in runs}
    assert set(by_row) == {f"{kind}/{name}" for kind, name in ROWS}
    run, row = by_row["text/tfidf"], next(row for row in rows if row.name == "tfidf")
    assert run.info.run_name == "tfidf"
    assert run.data.metrics["f1"] == 0.9 and run.data.metrics["per.Одежда_ обувь"] == 1
    assert run.data.params == {
        "text_models.tfidf.lr": "1e-05",
        "text_models.tfidf.epochs": "3",
        "seed": "7",
    }
    assert run.data.tags["dvc.stage"] == "train_text@tfidf"
    assert run.data.tags["dvc.lock_hash"] == row.lock_hash
    assert len(run.data.tags["mlflow.source.git.commit"]) == 40
    assert run.data.tags["git.dirty"] in ("true", "false")
    client = _client(repo)
    history = client.get_metric_history(run.info.run_id, "epoch/train_loss")
    assert [(point.step, point.value) for point in history] == [(0, 2.0), (1, 1.0), (2, 0.5)]
    # A number that is not there at an epoch is not a number there.
    assert len(client.get_metric_history(run.info.run_id, "epoch/val_f1")) == 2
    folder = repo / "mlartifacts" / run.info.run_id / "artifacts"
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*.*")) == [
        "confusion.png",
        "model/about.json",
        "model/model.safetensors",
    ]
    # Of the leaky row there are scores alone.
    assert client.list_artifacts(by_row["leaky/logreg_leaky"].info.run_id) == []


def test_new_scores_of_a_known_row_are_told(repo: Path) -> None:
    rows = read_rows(repo)[:1]
    track(rows, "listings", repo)
    rejudged = [replace(rows[0], metrics={**rows[0].metrics, "f1": 0.8})]
    assert "(0 new)" in track(rejudged, "listings", repo)
    (run,) = _runs(repo)
    assert run.data.metrics["f1"] == 0.8
    assert len(_client(repo).get_metric_history(run.info.run_id, "epoch/train_loss")) == 3


def test_a_run_that_was_cut_off_is_made_again(repo: Path) -> None:
    rows = read_rows(repo)[:3]
    track(rows[:1], "listings", repo)
    client = _client(repo)
    experiment_id = _runs(repo)[0].info.experiment_id
    tags = {"row": f"{rows[1].kind}/{rows[1].name}", "dvc.lock_hash": str(rows[1].lock_hash)}
    cut_off = client.create_run(experiment_id, tags=tags).info.run_id
    assert "(2 new)" in track(rows, "listings", repo)
    runs = _runs(repo)
    assert len(runs) == 3 and cut_off not in {run.info.run_id for run in runs}
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_the_report_stands_above_the_rows_once(repo: Path) -> None:
    rows = read_rows(repo)[:2]
    assert read_report(repo) is None
    _write(repo / "data/report/report.html", "<p>one</p><!--times-->none<!--/times-->")
    _write(repo / "data/times/some@cnn.json", '{"seconds": 33.1}')
    report = read_report(repo)
    assert report is not None and report.seconds == {"train_image@cnn": 33.1}
    track(rows, "listings", repo)
    # Known rows are put under it as well.
    for _ in range(2):
        assert "2 runs (0 new)" in track(rows, "listings", repo, report=report)
    (parent,) = [run for run in _runs(repo) if run.info.run_name == "report"]
    children = [run for run in _runs(repo) if run.info.run_name != "report"]
    assert len(children) == 2 and parent.info.status == "FINISHED"
    assert {c.data.tags["mlflow.parentRunId"] for c in children} == {parent.info.run_id}
    assert parent.data.metrics["seconds/train_image_cnn"] == 33.1
    logged = repo / "mlartifacts" / parent.info.run_id / "artifacts/report.html"
    assert "<p>one</p>" in logged.read_text() and "33.1 s" in logged.read_text()


def test_a_new_page_about_the_same_rows_replaces_the_old_one(repo: Path) -> None:
    rows = read_rows(repo)[:2]
    for page in ("one", "two", "two"):
        track(rows, "listings", repo, report=Report(page, {}))
    (parent,) = [run for run in _runs(repo) if run.info.run_name == "report"]
    logged = repo / "mlartifacts" / parent.info.run_id / "artifacts/report.html"
    assert logged.read_text() == "two"


def test_another_state_has_a_report_of_its_own_and_takes_the_rows_they_share(repo: Path) -> None:
    rows = read_rows(repo)[:2]
    track(rows, "listings", repo, report=Report("one", {}))
    changed = [replace(rows[0], lock_hash="f" * 64, metrics={"f1_macro": 0.5}), rows[1]]
    track(changed, "listings", repo, report=Report("two", {}))
    parents = {r.info.run_id: r for r in _runs(repo) if r.info.run_name == "report"}
    children = [run for run in _runs(repo) if run.info.run_name != "report"]
    assert len(parents) == 2 and len(children) == 3
    above = sorted(
        (child.data.tags["row"], "f1_macro/cnn" in parents[parent].data.metrics)
        for child in children
        if (parent := child.data.tags["mlflow.parentRunId"])
    )
    names = [f"{row.kind}/{row.name}" for row in rows]
    assert above == sorted([(names[0], False), (names[0], True), (names[1], True)])


def test_rows_that_the_lock_does_not_know(repo: Path) -> None:
    (repo / "dvc.lock").unlink()
    rows = read_rows(repo)[:2]
    assert [row.lock_hash for row in rows] == [None, None]
    track(rows, "listings", repo)
    assert "(0 new)" in track(rows, "listings", repo)
    assert all("dvc.lock_hash" not in run.data.tags for run in _runs(repo))


def test_the_hash_is_of_what_the_row_was_made_from(repo: Path) -> None:
    before = {row.name: row.lock_hash for row in read_rows(repo) if row.kind == "image"}
    lock = json.loads((repo / "dvc.lock").read_text())
    lock["stages"]["train_image@cnn"]["outs"][0]["md5"] = "other"
    lock["stages"]["train_image@resnet50"]["params"]["params.yaml"]["seed"] = 8
    lock["stages"]["train_image@efficientnet"]["deps"][0]["md5"] = "other"
    (repo / "dvc.lock").write_text(json.dumps(lock))
    after = {row.name: row.lock_hash for row in read_rows(repo) if row.kind == "image"}
    assert {name for name in before if before[name] != after[name]} == {"resnet50", "efficientnet"}


def test_two_at_once_make_no_double(repo: Path) -> None:
    rows = read_rows(repo)[:2]
    with ThreadPoolExecutor(2) as pool:
        lines = list(pool.map(lambda _: track(rows, "listings", repo), range(2)))
    assert sorted(line.split("(")[1][:5] for line in lines) == ["0 new", "2 new"]
    assert len(_runs(repo)) == 2


def _is_one_warning(line: str) -> bool:
    return line.startswith("warning: ") and "\n" not in line and LOG_LATER in line


def test_a_server_that_is_down(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{port}")
        line = track(read_rows(repo), "listings", repo)
    assert _is_one_warning(line)
    assert "secret" not in line and f"127.0.0.1:{port}" in line


def test_a_server_that_hangs(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        started = time.monotonic()
        line = track(read_rows(repo), "listings", repo, patience_s=1.0)
        assert time.monotonic() - started < 5
    assert _is_one_warning(line) and "does not answer" in line


def test_a_database_that_is_locked(repo: Path) -> None:
    track([], "listings", repo)
    with sqlite3.connect(repo / "mlruns.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        line = track(read_rows(repo), "listings", repo, patience_s=1.0)
        other.rollback()
    assert _is_one_warning(line)


def test_a_database_of_another_version(repo: Path) -> None:
    track([], "listings", repo)
    with sqlite3.connect(repo / "mlruns.db") as other:
        other.execute("UPDATE alembic_version SET version_num = 'of_another'")
    # MLflow looks at the version once per file, so this must be another file.
    copy = repo / "copy"
    copy.mkdir()
    (repo / "mlruns.db").rename(copy / "mlruns.db")
    line = track(read_rows(repo), "listings", copy)
    assert _is_one_warning(line) and "out-of-date database schema" in line


def test_a_relative_database_starts_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path}/mlruns.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///runs/own.db")
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path}/runs/own.db"
    for absolute in ("sqlite:////var/runs.db", "http://127.0.0.1:5000"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", absolute)
        assert tracking_uri(tmp_path) == absolute


def test_the_picture_holds_all_categories(repo: Path) -> None:
    figure = draw_confusion(repo / "metrics/confusion/cnn.csv", "image/cnn")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == sorted(CATEGORIES)
    assert [text.get_text() for text in axes.texts] == ["1"] * 17


def test_the_stage_in_a_copy_uses_the_repository_s_store(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("metrics", "data", "dvc.lock"):
        (repo / name).rename(copy / name)
    kept = ("image/cnn", "leaky/logreg_leaky")
    for kind, row in ROWS:
        if f"{kind}/{row}" not in kept:
            (copy / f"metrics/{kind}/{row}.json").unlink()
    _write(copy / "params.yaml", "tracking:\n  experiment: others\n")
    _write(
        copy / "dvc.yaml",
        "stages:\n  track:\n    cmd: python -m stages.track\n    params: [tracking]\n",
    )
    _write(copy / ".dvc/config", "[core]\n    no_scm = True\n")
    run = subprocess.run(
        [sys.executable, "-m", "stages.track"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(repo)},
        check=True,
        text=True,
        capture_output=True,
    )
    assert run.stdout.startswith(f"MLflow: 2 runs (2 new) in sqlite:///{repo}/mlruns.db; ")
    assert run.stdout.count("\n") == 1 and run.stderr == ""
    assert not (copy / "mlruns.db").exists()
    assert len(_runs(repo, "others")) == 2
    before = (copy / "data/tracking/rows.json").read_bytes()
    known = json.loads(before)
    assert set(known) == set(kept)
    assert known["leaky/logreg_leaky"]["stage"] == "leaky"
    assert len(known["image/cnn"]["lock_hash"]) == 64
    assert str(repo).encode() not in before
    # Without any store the stage still ends well and its output is the same.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.chdir(copy)
    stages.track.main()
    assert _is_one_warning(capsys.readouterr().out.strip())
    assert (copy / "data/tracking/rows.json").read_bytes() == before
