"""One line for a mistake that the user can fix; a traceback only for our own bugs."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable


class UserError(Exception):
    """What was given, what was expected and what to do, in one line."""


def run_command(main: Callable[[], None]) -> None:
    """Run `main`; on a UserError or a full disk, print one line and exit with status 1."""
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        sys.exit(f"error: the disk is full{where}; free some space and run the same command again")
