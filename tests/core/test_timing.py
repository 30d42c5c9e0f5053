"""How long stages took: kept by the stage's name, and only for runs that ended well."""

from __future__ import annotations

from pathlib import Path

import pytest

from src.core.timing import TIMES, run_stage, stage_seconds


def test_a_stage_leaves_its_time_and_a_failed_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise ValueError("of our own")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["/somewhere/stages/train_image.py", "cnn"])
    (tmp_path / "dvc.yaml").write_text("stages:\n  train_image: {}\n  collect: {}\n")
    (tmp_path / "params.yaml").write_text("rows:\n  image: [cnn, resnet50]\n")
    with pytest.raises(ValueError, match="our own"):
        run_stage("train_image@cnn", fails)
    assert not (tmp_path / "data").exists()
    run_stage("train_image@cnn", lambda: None)
    assert list(stage_seconds(tmp_path)) == ["train_image@cnn"]
    assert stage_seconds(tmp_path)["train_image@cnn"] >= 0
    monkeypatch.setattr("sys.argv", ["/somewhere/stages/collect.py", "--limit", "9"])
    run_stage("collect", lambda: None)
    assert [path.name for path in (tmp_path / TIMES).iterdir()] == ["train_image@cnn.json"]
    # The time of an earlier run does not stand for one that failed.
    monkeypatch.setattr("sys.argv", ["/somewhere/stages/train_image.py", "cnn"])
    with pytest.raises(ValueError, match="our own"):
        run_stage("train_image@cnn", fails)
    assert stage_seconds(tmp_path) == {}


def test_times_of_rows_and_stages_that_are_gone_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages:\n  train_image: {}\n")
    (tmp_path / "params.yaml").write_text("rows:\n  image: [cnn]\n")
    (tmp_path / TIMES).mkdir(parents=True)
    for stage in ("train_image@cnn", "train_image@removed", "removed"):
        (tmp_path / TIMES / f"{stage}.json").write_text('{"seconds": 1.5}')
    assert stage_seconds(tmp_path) == {"train_image@cnn": 1.5}
