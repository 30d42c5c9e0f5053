"""One line for a mistake that the user can fix; a traceback only for our own bugs."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable

# Faults of a path that the user gave, or of the user's rights to it.
_OF_THE_PATH = (
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG),
)


class UserError(Exception):
    """What was given, what was expected and what to do, in one line."""


def run_command(main: Callable[[], None]) -> None:
    """Run `main`; on a UserError or an unusable path, print one line and exit with status 1.

    If whoever reads the output goes away, as `head` does, exit as programs do that SIGPIPE ends.
    """
    try:
        main()
        sys.stdout.flush()
    except UserError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:
        # Python flushes standard output once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            where = f" while writing {error.filename}" if error.filename else ""
            sys.exit(f"error: the disk is full{where}; free some space and run it again")
        if error.errno in _OF_THE_PATH and error.filename:
            sys.exit(f"error: {error.filename}: {error.strerror}")
        raise
