"""How long each stage took: kept beside DVC's outputs, which must not differ by it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from src.core.errors import run_command
from src.core.files import read_json, write_json

# Belongs to no stage, so DVC does not track it.
TIMES = Path("data/times")


def run_stage(stage: str, main: Callable[[], None]) -> None:
    """Run a stage's main as `run_command` does, and write down its seconds under TIMES.

    Args:
        stage: its name in dvc.yaml, e.g. `train_image@cnn`.
    """

    def timed() -> None:
        started = time.perf_counter()
        main()
        # With options of its own it was not the stage as dvc.yaml has it.
        if not any(argument.startswith("-") for argument in sys.argv[1:]):
            seconds = round(time.perf_counter() - started, 1)
            write_json(TIMES / f"{stage}.json", {"seconds": seconds})

    run_command(timed)


def stage_seconds(root: Path) -> dict[str, float]:
    """Return the seconds of each stage when it last ran under `root`, by its name in dvc.yaml."""
    files = sorted((root / TIMES).glob("*.json"))
    return {file.stem: float(read_json(file)["seconds"]) for file in files}
