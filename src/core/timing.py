"""How long each stage took: kept beside DVC's outputs, so that no output depends on it."""

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
    """Run a stage's main as `run_command` does, and note under TIMES how long it took.

    A stage that fails or is killed leaves no time.

    Args:
        stage: its name in dvc.yaml, e.g. `train_image@cnn`.
    """

    def timed() -> None:
        file = TIMES / f"{stage}.json"
        # With options of its own this is not the stage as dvc.yaml has it.
        counts = not any(argument.startswith("-") for argument in sys.argv[1:])
        if counts:
            file.unlink(missing_ok=True)
        started = time.perf_counter()
        main()
        if counts:
            write_json(file, {"seconds": round(time.perf_counter() - started, 1)})

    run_command(timed)


def stage_seconds(root: Path) -> dict[str, float]:
    """Return how many seconds each stage took when it last ran under `root`, by its name.

    Times of stages that dvc.yaml, or of rows that params.yaml, no longer has are left out.
    """
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    stages = yaml.load(root / "dvc.yaml")["stages"]
    rows = {row for kind in yaml.load(root / "params.yaml")["rows"].values() for row in kind}
    seconds = {}
    for file in sorted((root / TIMES).glob("*.json")):
        stage, _, row = file.stem.partition("@")
        if stage in stages and (not row or row in rows):
            seconds[file.stem] = float(read_json(file)["seconds"])
    return seconds
