"""Work on many things at once, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Read = TypeVar("Read")


def in_order(read: Callable[[Given], Read], given: Iterable[Given]) -> Iterator[Read]:
    """Give what `read` makes of each, in order, a bounded number in flight on all processors.

    Threads will do: Pillow frees the GIL.
    """
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    flying: deque[Future[Read]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for one in given:
            flying.append(pool.submit(read, one))
            if len(flying) >= 8 * (workers or 1):
                yield flying.popleft().result()
        while flying:
            yield flying.popleft().result()
