"""A stage ends when the DVC that has started it is killed.

Otherwise it would go on writing into folders that the next `dvc repro` empties and fills.
"""

from __future__ import annotations

import os
import time
from threading import Thread

_LOOK_S = 0.2


def end_with_dvc() -> None:
    """Watch, in a thread, whether this process still has its parent; only under DVC.

    A stage that was started by hand may well outlive its shell.
    """
    if "DVC_STAGE" in os.environ:
        Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)
