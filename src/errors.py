"""One clear line for a mistake that the user can mend; a traceback only for our own bugs."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable
from pathlib import Path

from src.files import write_json

TIMES = Path("data/times")


class UserError(Exception):
    """What was given, what was expected and what to do, in one line."""


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage's main as `run_command` does.

    How long it took is kept in TIMES, which belongs to no stage: outputs must not differ by it.
    """

    def timed() -> None:
        started = time.perf_counter()
        main()
        # With options of its own it was not the stage as dvc.yaml has it.
        if not any(argument.startswith("-") for argument in sys.argv[1:]):
            seconds = round(time.perf_counter() - started, 1)
            write_json(TIMES / time_file(sys.argv), {"seconds": seconds})

    run_command(timed)


def run_command(main: Callable[[], None]) -> None:
    """Run a main; a UserError or a full disk ends it with one line and exit status 1."""
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        sys.exit(f"error: the disk is full{where}; free some space and run the same command again")


def time_file(command: list[str]) -> str:
    """Name the file of a stage's time by its script and arguments."""
    script, *arguments = command
    return "@".join([Path(script).stem, *arguments]) + ".json"
