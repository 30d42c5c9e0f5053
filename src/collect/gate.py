"""The pace at which one site is asked."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets one site's requests through, never closer to each other than the delay.

    Each gap is the delay and up to `jitter` times it more. With a delay of 0 requests pass side by
    side. A pause that the site asks for holds back all of them. Nobody waits once `ended` is set.
    """

    def __init__(self, delay_s: float, jitter: float, ended: threading.Event) -> None:
        self.delay_s, self.jitter, self._ended = delay_s, jitter, ended
        self._lock = threading.Lock()
        self._open_at = 0.0

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Wait for one's turn; the body of the `with` sends a request and sees it answered."""
        if not self.delay_s:
            self._wait()
            yield
            return
        with self._lock:
            self._wait()
            try:
                yield
            finally:
                # Counted from the answer: then the site, too, sees no two requests closer.
                gap = self.delay_s * (1 + self.jitter * random.random())
                self._open_at = max(self._open_at, time.monotonic() + gap)

    def hold(self, pause_s: float) -> None:
        """Let nothing through for so many seconds."""
        self._open_at = max(self._open_at, time.monotonic() + pause_s)

    def _wait(self) -> None:
        while (left := self._open_at - time.monotonic()) > 0:
            if self._ended.wait(left):
                return
