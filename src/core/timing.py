"""How long each stage took: kept beside DVC's outputs, so that no output depends on it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from string import Formatter

from src.core.errors import UserError, run_command
from src.core.files import remove_left_over, write_json
from src.core.params import all_params, stage_entry

# Belongs to no stage, so DVC does not track it.
TIMES = Path("data/times")


def run_stage(name: str, main: Callable[..., None]) -> None:
    """Run a stage's main as `run_command` does, and note under TIMES how long it took.

    A stage that fails or is killed leaves no time; what a killed one left beside its outputs is
    deleted by the next. A stage ends when the DVC that runs it is killed.

    Args:
        name: its name in dvc.yaml, with a field for each argument of `main`: `fuse@{row}`. These
            are the arguments of the command line.
    """
    fields = [field for _, field, _, _ in Formatter().parse(name) if field]

    def timed() -> None:
        given = sys.argv[1:] if fields else []
        if len(given) != len(fields):
            module = name.partition("@")[0].partition("_{")[0]
            wanted = " ".join(f"<{field}>" for field in fields)
            raise UserError(
                f"the arguments are {' '.join(given) or 'missing'}; expected "
                f"`python -m stages.{module} {wanted}`"
            )
        stage = name.format(**dict(zip(fields, given, strict=True)))
        file = TIMES / f"{stage}.json"
        # With options of its own this is not the stage as dvc.yaml has it.
        counts = not any(argument.startswith("-") for argument in sys.argv[1:])
        if counts:
            file.unlink(missing_ok=True)
        if "DVC_STAGE" in os.environ:
            # Nobody else writes there: DVC runs a stage once at a time.
            for out in stage_entry(stage, all_params()).outs:
                remove_left_over(Path(out))
        started = time.perf_counter()
        main(*given)
        if counts:
            write_json(file, {"seconds": round(time.perf_counter() - started, 1)})

    run_command(timed)
