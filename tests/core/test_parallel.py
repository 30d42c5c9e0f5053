"""Work of several threads comes back in order, and no faster than it is asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from src.core.parallel import in_order


def test_results_are_in_order_and_threads_limited() -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.001 * (number % 3))
        with lock:
            running -= 1
        return number

    assert list(in_order(work, range(60), workers=3)) == list(range(60))
    assert 1 < most <= 3


def test_items_are_taken_as_they_are_needed() -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = in_order(str, endless(), workers=2)
    assert next(results) == "1" and taken <= 16
