"""Fetch the photos that a store wants, several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from urllib.parse import urljoin

from src.collect.fetch import Fetcher, Unreachable
from src.collect.found import clean_photo, store_photo
from src.collect.hosts import FetchError
from src.collect.progress import Progress
from src.collect.stopped import WAIT, stopped
from src.collect.store import Store


class Photos:
    def __init__(self, store: Store, site: str, fetcher: Fetcher, progress: Progress) -> None:
        self.store, self.site, self.fetcher, self.progress = store, site, fetcher, progress
        self.failures = 0

    def fetch(self) -> None:
        """Ask for every photo that is wanted; each one's outcome is in the store at once.

        Raises UserError when one photo after the other cannot be had.
        """
        while batch := self.store.wanted():
            with ThreadPoolExecutor(self.fetcher.params.at_once) as pool:
                try:
                    asked = {pool.submit(self._get, address): number for number, address in batch}
                    for done in as_completed(asked):
                        self._take_over(asked.pop(done), done.result())
                except BaseException:
                    self.fetcher.end()
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise

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
            raise stopped(self.store, self.site, what, WAIT)
