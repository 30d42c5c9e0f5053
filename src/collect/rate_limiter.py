"""The pace of requests to one site."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class RateLimiter:
    """Keeps at least `delay_s` seconds between two requests to one site.

    Each gap is the delay plus up to `jitter` times the delay. With a delay of 0 requests run in
    parallel. A pause that the site asks for holds back all requests. Nothing waits once
    `cancelled` is set.
    """

    def __init__(self, delay_s: float, jitter: float, cancelled: threading.Event) -> None:
        self.delay_s, self.jitter, self._cancelled = delay_s, jitter, cancelled
        self._lock = threading.Lock()
        self._next_at = 0.0

    @contextmanager
    def request(self) -> Iterator[None]:
        """Wait until a request may be sent; the body of the `with` sends it and gets a response."""
        if not self.delay_s:
            self._wait()
            yield
            return
        with self._lock:
            self._wait()
            try:
                yield
            finally:
                # Counted from the response, so the site cannot see two requests closer together.
                self.pause(self.delay_s * (1 + self.jitter * random.random()))

    def pause(self, seconds: float) -> None:
        """Send nothing for that long."""
        self._next_at = max(self._next_at, time.monotonic() + seconds)

    def _wait(self) -> None:
        while (left := self._next_at - time.monotonic()) > 0:
            if self._cancelled.wait(left):
                return
