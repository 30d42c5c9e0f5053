"""The folder that a killed stage leaves to the next run in the same state."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from src.core import unfinished as module
from src.core.unfinished import unfinished


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """An empty repository, and what puts its stages into another state."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.delenv("NODE_RANK", raising=False)
    monkeypatch.chdir(tmp_path)

    def put(seed: str) -> None:
        monkeypatch.setattr(module, "stage_state", lambda stage: {"cmd": f"{stage} {seed}"})

    put("7")
    return put


def killed() -> Path:
    """Begin a stage, leave a file and end as if it were killed; return the folder."""
    with suppress(KeyboardInterrupt), unfinished("train_image@cnn") as folder:
        assert folder is not None
        (folder / "cnn.ckpt").write_text("epoch 3")
        (folder / ".cnn.ckpt.1-2.part").write_text("half of")
        raise KeyboardInterrupt
    return folder


def test_a_killed_stage_finds_its_folder_again(state: Callable[[str], None]) -> None:
    left = killed()
    with unfinished("train_image@cnn") as folder:
        assert folder == left
        assert [file.name for file in folder.iterdir()] == ["cnn.ckpt"]
    assert list(left.parent.iterdir()) == []


def test_other_states_and_stages_have_other_folders(
    state: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    left = killed()
    assert capsys.readouterr().err == ""
    state("8")
    with unfinished("train_image@cnn") as folder:
        assert folder and not list(folder.iterdir())
    note = capsys.readouterr().err
    assert note.startswith(f"note: {left.parent} also holds what killed (or running) runs of train")
    assert note.count("\n") == 1
    with unfinished("train_image@resnet50") as folder:
        assert folder and not list(folder.iterdir())
    assert capsys.readouterr().err == ""
    assert left.exists()


def test_queued_experiments_leave_it_in_the_repository(
    state: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "repository"))
    assert killed().is_relative_to(tmp_path / "repository/data/unfinished")


def test_two_at_once_do_not_share_it(state: Callable[[str], None], tmp_path: Path) -> None:
    code = (
        "from src.core import unfinished as module\n"
        "module.stage_state = lambda stage: {'cmd': f'{stage} 7'}\n"
        "with module.unfinished('train_image@cnn') as folder: print(folder)"
    )
    command = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}

    def other() -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    with unfinished("train_image@cnn") as folder:
        assert folder
        assert other() == "None"
        assert folder.exists()
    assert other() == str(folder)


def test_a_helping_machine_has_none(
    state: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_RANK", "1")
    with unfinished("train_image@cnn") as folder:
        assert folder is None


@pytest.fixture
def viewer(
    state: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """What puts a shell command in the place of the process that shows the curves."""

    def put(command: str) -> None:
        script = tmp_path / "viewer"
        script.write_text(f"#!/bin/sh\n{command}\n")
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))

    return put


@pytest.mark.parametrize("done", [True, False])
def test_who_shows_the_curves_hears_how_the_stage_ended(
    done: bool, viewer: Callable[[str], None], tmp_path: Path
) -> None:
    viewer('echo "$@" > called; cat > said; touch ended')
    with suppress(KeyboardInterrupt), unfinished("train_image@cnn", shown=True) as folder:
        if not done:
            raise KeyboardInterrupt
    while not (tmp_path / "ended").exists():
        time.sleep(0.01)
    assert (tmp_path / "said").read_text() == ("done" if done else "")
    called = (tmp_path / "called").read_text().split()
    assert called[:3] == ["-m", "src.tracking.live", "train_image@cnn"]
    assert called[3].startswith(str(folder).rpartition("-")[2]) and len(called[3]) == 64
    assert called[4] == f"{folder}/live.jsonl"


@pytest.mark.parametrize("command", ["exec sleep 600", "exit 1", "exec 0<&-; exec sleep 600"])
def test_a_viewer_that_hangs_or_fails_stops_no_stage(
    command: str, viewer: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAIT_S", 0.1)
    viewer(command)
    with unfinished("train_image@cnn", shown=True) as folder:
        assert folder
    assert not folder.exists()
