"""How a stage is run: by its name in dvc.yaml and the arguments of the command line."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from src.core.timing import TIMES, run_stage

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_stage_is_given_its_arguments_and_timed_by_its_full_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[tuple[str, ...]] = []
    monkeypatch.setattr(sys, "argv", ["join.py", "image", "cnn"])
    run_stage("join_{kind}@{row}", lambda kind, row: given.append((kind, row)))
    monkeypatch.setattr(sys, "argv", ["pack.py"])
    run_stage("pack", lambda: given.append(()))
    assert given == [("image", "cnn"), ()]
    assert {file.name for file in TIMES.iterdir()} == {"join_image@cnn.json", "pack.json"}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("fuse@{row}", [], "missing; expected `python -m stages.fuse <row>`"),
        ("fuse@{row}", ["knn", "nn"], "knn nn; expected `python -m stages.fuse <row>`"),
        (
            "join_{kind}@{row}",
            ["cnn"],
            "cnn; expected `python -m stages.join <kind> <row>`",
        ),
        ("train_text@{row}", [], "missing; expected `python -m stages.train_text <row>`"),
    ],
)
def test_too_few_or_too_many_arguments_are_one_line(
    name: str, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["stage.py", *arguments])
    with pytest.raises(SystemExit) as end:
        run_stage(name, lambda *_: None)
    assert end.value.code == f"error: the arguments are {message}"


def test_what_a_killed_run_left_beside_the_outputs_is_deleted_under_dvc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(sys, "argv", ["fuse.py", "knn"])
    left = [Path(name) for name in (
        "data/checkpoints/.knn.12-34.part/model.json", "data/predictions/.knn.npz.12-34.part",
    )]  # fmt: skip
    others = [Path(name) for name in (
        "data/checkpoints/.knn2.12-34.part/model.json", "data/predictions/.nn.npz.12-34.part",
        "data/predictions/knn.npz",
    )]  # fmt: skip
    for file in (*left, *others):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    # By hand, while DVC may be running the stage.
    monkeypatch.delenv("DVC_STAGE", raising=False)
    run_stage("fuse@{row}", lambda row: None)
    assert all(file.exists() for file in left)
    monkeypatch.setenv("DVC_STAGE", "fuse@knn")
    run_stage("fuse@{row}", lambda row: None)
    assert not any(file.exists() for file in left)
    assert not left[0].parent.exists() and all(file.exists() for file in others)
