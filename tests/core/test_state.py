"""The state of a stage is what DVC writes to dvc.lock once the stage is done."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from src.core.errors import UserError
from src.core.state import stage_state, state_key

ROOT = Path(__file__).parents[2]
PIPELINE = """
stages:
  train_image:
    foreach: ${rows.image}
    do:
      cmd: mkdir -p out && touch out/${item}
      deps:
        - source
        - one.txt
        - data/${model}
      params: [seed, trainer, "image_models.${item}"]
      outs: ["out/${item}"]
  plain:
    cmd: touch plain.txt
    outs: [plain.txt]
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copy(ROOT / ".dvcignore", tmp_path)
    (tmp_path / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    files = (
        *("one.txt", "data/efficientnet/array.npy", "data/e5_small/x", "source/b/код é.py"),
        *("source/b.py", "source/__pycache__/b.cpython-311.pyc", "source/a/__init__.py"),
    )
    for number, name in enumerate(files):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\0x" * number)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = True\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_state_is_what_dvc_locks(repo: Path) -> None:
    states = {name: stage_state(name) for name in ("train_image@cnn", "plain")}
    dvc = Path(sys.executable).with_name("dvc")
    subprocess.run([dvc, "repro", "-q", *states], cwd=repo, check=True)
    locked = YAML(typ="safe").load(repo / "dvc.lock")["stages"]
    for name, state in states.items():
        assert state == {key: value for key, value in locked[name].items() if key != "outs"}
        assert state_key(state) == state_key(locked[name])


@pytest.mark.parametrize(
    "changed", ["source/b.py", "source/b/код é.py", "one.txt", "data/efficientnet/array.npy"]
)
def test_every_byte_that_a_stage_reads_changes_its_key(changed: str, repo: Path) -> None:
    before = state_key(stage_state("train_image@cnn"))
    assert state_key(stage_state("train_image@cnn")) == before
    (repo / changed).write_bytes(b"other")
    assert state_key(stage_state("train_image@cnn")) != before


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [("seed: 7", "seed: 8", False), ("lr: 0.003", "lr: 0.004", False),
     ("components: 128", "components: 64", True)],
)  # fmt: skip
def test_only_params_that_a_stage_declares_change_its_key(
    old: str, new: str, same: bool, repo: Path
) -> None:
    before = state_key(stage_state("train_image@cnn"))
    params = (repo / "params.yaml").read_text(encoding="utf-8")
    assert old in params
    (repo / "params.yaml").write_text(params.replace(old, new, 1), encoding="utf-8")
    assert (state_key(stage_state("train_image@cnn")) == before) is same


def test_what_is_missing_is_said_by_its_path_alone(repo: Path) -> None:
    (repo / "one.txt").unlink()
    assert {"path": "one.txt"} in stage_state("train_image@cnn")["deps"]


def test_a_stage_that_is_not_there_is_named(repo: Path) -> None:
    with pytest.raises(
        UserError, match=r"dvc\.yaml has no stage train; expected one of train_image"
    ):
        stage_state("train@cnn")
