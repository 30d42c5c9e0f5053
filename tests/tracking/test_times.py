"""How long stages took: noted when they end well, shown while they are in the pipeline."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from src.core.errors import UserError
from src.core.timing import TIMES, run_stage
from src.tracking.times import stage_seconds, with_times
from tests.tracking.conftest import write

ROOT = Path(__file__).resolve().parents[2]
PAGE = "<p>Times</p><!--times-->none<!--/times--><p>End</p>"


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two kinds of stages, in which stages run without options."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stage"])
    write(tmp_path / "dvc.yaml", "stages:\n  collect: {}\n  train_image: {}\n")
    write(tmp_path / "params.yaml", "rows:\n  image: [cnn, resnet50]\n  text: [tfidf]\n")
    return tmp_path


@pytest.mark.parametrize("error", [ValueError("a bug"), UserError("a mistake"), SystemExit(1)])
def test_a_failing_stage_leaves_no_time_and_not_the_one_before(
    error: BaseException, pipeline: Path
) -> None:
    def fail() -> None:
        raise error

    run_stage("collect", lambda: None)
    with pytest.raises((ValueError, SystemExit)):
        run_stage("collect", fail)
    assert stage_seconds(pipeline) == {}
    assert list((pipeline / TIMES).iterdir()) == []


def test_a_killed_stage_leaves_no_time(pipeline: Path) -> None:
    run_stage("collect", lambda: None)
    code = (
        "import os, signal; from src.core.timing import run_stage; "
        "run_stage('collect', lambda: os.kill(os.getpid(), signal.SIGTERM))"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code], cwd=pipeline, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert killed.returncode == -signal.SIGTERM
    assert stage_seconds(pipeline) == {}


def test_times_of_the_project_s_own_stages_are_known(tmp_path: Path) -> None:
    for name in ("dvc.yaml", "params.yaml"):
        write(tmp_path / name, (ROOT / name).read_text(encoding="utf-8"))
    stages = ["check", "fuse@stack", "train_image@cnn", "train_text@tfidf"]
    for stage in stages:
        write(tmp_path / TIMES / f"{stage}.json", '{"seconds": 5}')
    assert list(stage_seconds(tmp_path)) == stages


def test_times_are_shown_longest_first_with_their_sum() -> None:
    timed = with_times(PAGE, {"collect": 2.0, "evaluate": 1033.14})
    first, second = "<td>evaluate</td><td>1,033.1 s</td>", "<td>collect</td><td>2.0 s</td>"
    assert timed.index(first) < timed.index(second)
    assert "In total: 1,035 s." in timed
    assert timed.startswith("<p>Times</p>") and timed.endswith("<p>End</p>")


def test_a_stage_leaves_its_time_and_a_failed_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(row: str) -> None:
        raise ValueError("of our own")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["/somewhere/stages/train_image.py", "cnn"])
    (tmp_path / "dvc.yaml").write_text("stages:\n  train_image: {}\n  collect: {}\n")
    (tmp_path / "params.yaml").write_text("rows:\n  image: [cnn, resnet50]\n")
    with pytest.raises(ValueError, match="our own"):
        run_stage("train_image@{row}", fails)
    assert not (tmp_path / "data").exists()
    run_stage("train_image@{row}", lambda row: None)
    assert list(stage_seconds(tmp_path)) == ["train_image@cnn"]
    assert stage_seconds(tmp_path)["train_image@cnn"] >= 0
    monkeypatch.setattr("sys.argv", ["/somewhere/stages/collect.py", "--limit", "9"])
    run_stage("collect", lambda: None)
    assert [path.name for path in (tmp_path / TIMES).iterdir()] == ["train_image@cnn.json"]
    # The time of an earlier run does not stand for one that failed.
    monkeypatch.setattr("sys.argv", ["/somewhere/stages/train_image.py", "cnn"])
    with pytest.raises(ValueError, match="our own"):
        run_stage("train_image@{row}", fails)
    assert stage_seconds(tmp_path) == {}


def test_times_of_rows_and_stages_that_are_gone_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages:\n  train_image: {}\n")
    (tmp_path / "params.yaml").write_text("rows:\n  image: [cnn]\n")
    (tmp_path / TIMES).mkdir(parents=True)
    for stage in ("train_image@cnn", "train_image@removed", "removed"):
        (tmp_path / TIMES / f"{stage}.json").write_text('{"seconds": 1.5}')
    assert stage_seconds(tmp_path) == {"train_image@cnn": 1.5}
