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
    """Run a stage's main; a UserError or a full disk ends it with one line and exit status 1.

    How long it took is kept in TIMES, which belongs to no stage: outputs must not differ by it.
    """
    started = time.perf_counter()
    try:
        main()
        write_json(
            TIMES / time_file(sys.argv), {"seconds": round(time.perf_counter() - started, 1)}
        )
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
