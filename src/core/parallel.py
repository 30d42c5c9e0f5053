"""Threads that work through many items in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Iterator[Result]:
    """Yield `work(item)` for every item, in order, computed by threads: as many as `processors`
    or `workers` says.

    At most eight items per thread are in flight, so `items` may be endless. Threads suffice where
    the work releases the GIL, as Pillow does.
    """
    workers = workers or processors()
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) >= 8 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def processors() -> int:
    """Return how many threads to use: as many as OMP_NUM_THREADS says, as other libraries do."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    return usable_processors()


def usable_processors() -> int:
    """Return how many processors this process may use, whatever OMP_NUM_THREADS says."""
    affinity = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if affinity else os.cpu_count() or 1
