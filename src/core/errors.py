"""One line for a mistake that the user can fix; a traceback only for our own bugs."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable

# Faults of a path that the user gave, or of the user's rights to it.
_OF_THE_PATH = (
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG),
)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# What SQLite, and libraries that are not written in Python, say instead.
_NO_ROOM_SAID = re.compile(
    r"no space left on device|disk is full|quota exceeded|\b(os error|errno) 28\b", re.IGNORECASE
)
# A disk with less room than this is full.
FULL_BYTES = 2**16


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
    except Exception as error:
        # OpenVINO says no more than "iostream error".
        if is_full_disk(error) or _no_room_here():
            file = getattr(error, "filename", None)
            where = f" while writing {file}" if file else ""
            sys.exit(f"error: the disk is full{where}; free some space and run it again")
        if isinstance(error, OSError) and error.errno in _OF_THE_PATH and error.filename:
            sys.exit(f"error: {error.filename}: {error.strerror}")
        raise


def is_full_disk(error: BaseException) -> bool:
    """Whether an error, or one that it was raised from, says that there is no room to write."""
    said = isinstance(error, OSError) and error.errno in _NO_ROOM
    cause = error.__cause__ or error.__context__
    return said or bool(_NO_ROOM_SAID.search(str(error))) or bool(cause and is_full_disk(cause))


def _no_room_here() -> bool:
    try:
        return shutil.disk_usage(".").free < FULL_BYTES
    except OSError:
        # The folder itself is gone.
        return False
