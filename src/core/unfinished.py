"""A stage that goes on with its work after a kill, and is shown in MLflow meanwhile.

Both need a place that is no output of the stage: DVC deletes those before it runs a stage again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from filelock import FileLock, Timeout

from src.core.state import stage_state, state_key

UNFINISHED = Path("data/unfinished")
# In the folder of a stage: what `src.tracking.live` shows.
LIVE = "live.jsonl"
# How long a stage that is done waits until its last points are in MLflow.
_WAIT_S = 5.0


def repository() -> Path:
    """Return the repository's folder; a queued experiment runs in a copy that is thrown away."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd())


@contextmanager
def unfinished(stage: str, shown: bool = False) -> Iterator[Path | None]:
    """Yield a folder that a killed run of the stage leaves to the next one in the same state.

    Its name holds the hash of all that the stage depends on. It is deleted when the stage is done.
    There is none (None) while another process runs the stage in this state, and on helping machines
    (NODE_RANK above 0).

    Args:
        stage: its name in dvc.yaml, e.g. `train_image@cnn`.
        shown: whether lines that are added to LIVE in the folder go to MLflow.
    """
    key = state_key(stage_state(stage))
    folder = repository() / UNFINISHED / f"{stage}-{key[:32]}"
    with _own(folder) as is_own:
        if not is_own:
            yield None
            return
        _tidy(stage, folder)
        with _shown(stage, key, folder / LIVE) if shown else nullcontext():
            yield folder
        shutil.rmtree(folder)
        Path(f"{folder}.lock").unlink(missing_ok=True)


@contextmanager
def _own(folder: Path) -> Iterator[bool]:
    """Make a folder this process's own; say whether it is."""
    if int(os.environ.get("NODE_RANK", 0)) > 0:
        yield False
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{folder}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _tidy(stage: str, folder: Path) -> None:
    """Delete half-written files of a killed run, and say where runs in other states left theirs."""
    for part in folder.glob(".*.part"):
        part.unlink()
    others = [path for path in folder.parent.glob(f"{stage}-*/") if path != folder]
    if others:
        size = sum(file.stat().st_size for path in others for file in path.glob("*")) / 1e6
        print(
            f"note: {folder.parent} also holds what killed (or running) runs of {stage} with other "
            f"settings would go on with, {size:,.0f} MB; delete {stage}-* there if none will",
            file=sys.stderr,
        )


@contextmanager
def _shown(stage: str, key: str, file: Path) -> Iterator[None]:
    """Let a process of its own show the lines of a file in MLflow while the stage runs.

    Of its own, because no result may depend on MLflow and no training may wait for it. It ends by
    itself when this process does.
    """
    viewer = subprocess.Popen(
        [sys.executable, "-m", "src.tracking.live", stage, key, str(file)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield
    except BaseException:
        viewer.stdin.close()  # type: ignore[union-attr]
        raise
    try:
        viewer.communicate(b"done", timeout=_WAIT_S)
    except subprocess.TimeoutExpired:
        # What it has not shown, stage track logs.
        viewer.kill()
        viewer.wait()
