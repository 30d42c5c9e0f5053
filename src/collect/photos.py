"""Fetch the photos that a store wants, several at once, while pages are being read."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Self
from urllib.parse import urljoin

from src.collect.fetch import Fetcher, Unreachable
from src.collect.found import clean_photo, store_photo
from src.collect.hosts import FetchError
from src.collect.progress import Progress
from src.collect.stopped import WAIT, Stopped
from src.collect.store import Store

# So many photos may be on their way when the next page is read.
_BACKLOG = 200


class Photos:
    """Use as a context manager; the store is touched by the caller's thread alone."""

    def __init__(self, store: Store, site: str, fetcher: Fetcher, progress: Progress) -> None:
        self.store, self.site, self.fetcher, self.progress = store, site, fetcher, progress
        self.asked: dict[Future[str | FetchError], str] = {}
        self.failures = 0

    def __enter__(self) -> Self:
        self.pool = ThreadPoolExecutor(self.fetcher.params.at_once)
        return self

    def __exit__(self, fault: object, *_: object) -> None:
        if fault:
            self.fetcher.end()
        self.pool.shutdown(wait=True, cancel_futures=True)
        # What came in the meantime is kept; the rest is asked for in another run.
        for done, number in self.asked.items():
            if not done.cancelled() and isinstance(name := done.result(), str):
                self.store.photo_stored(number, name)

    def fetch(self, backlog: int = _BACKLOG) -> None:
        """Ask for every photo that is wanted, until no more than `backlog` are on their way.

        Each one's outcome is in the store as soon as it is known. Raises Stopped when one photo
        after the other cannot be had.
        """
        while self._submit() or len(self.asked) > backlog:
            for done in wait(self.asked, return_when=FIRST_COMPLETED).done:
                self._take_over(self.asked.pop(done), done.result())

    def _submit(self) -> bool:
        """Put photos on their way, as many as the backlog holds; returns whether some must wait."""
        flying = set(self.asked.values())
        wanted = [row for row in self.store.wanted(2 * _BACKLOG + 1) if row[0] not in flying]
        room = 2 * _BACKLOG - len(flying)
        for number, address in wanted[:room]:
            self.asked[self.pool.submit(self._get, address)] = number
        return len(wanted) > room

    def _get(self, address: str) -> str | FetchError:
        """The stored photo's name, or why there is none."""
        try:
            content = self.fetcher.photo(urljoin(self.site, address))
            return store_photo(self.store.photos, clean_photo(content))
        except FetchError as error:
            return error
        except ValueError as error:
            return FetchError(str(error))

    def _take_over(self, number: str, result: str | FetchError) -> None:
        self.progress.done()
        if isinstance(result, str):
            self.store.photo_stored(number, result)
            self.progress.count("photos")
            self.failures = 0
            return
        passing = isinstance(result, Unreachable) or result.status in (401, 403)
        self.store.photo_lost(number, str(result), for_good=not passing)
        self.progress.count("failed" if passing else "refused")
        self.failures = self.failures + 1 if passing else 0
        if self.failures >= self.fetcher.params.give_up_after:
            what = f"lets no photo through, {self.failures} in a row failed: {result}"
            raise Stopped(self.site, what, WAIT)
