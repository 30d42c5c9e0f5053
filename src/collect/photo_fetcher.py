"""Fetch the photos that a store lacks, several at once, while pages are being read."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Self
from urllib.parse import urljoin

from src.collect.collected import clean_photo, store_photo
from src.collect.errors import WAIT, CrawlStopped, FetchError, Unreachable
from src.collect.fetch import Fetcher
from src.collect.progress import Progress
from src.collect.store import Store

# How many photos may still be pending when the next page is read.
_BACKLOG = 200


class PhotoFetcher:
    """Use as a context manager. Only the caller's thread touches the store."""

    def __init__(self, store: Store, site: str, fetcher: Fetcher, progress: Progress) -> None:
        self.store, self.site, self.fetcher, self.progress = store, site, fetcher, progress
        # Each pending request with the id of its listing.
        self.pending: dict[Future[str | FetchError], str] = {}
        self.failures = 0

    def __enter__(self) -> Self:
        self.pool = ThreadPoolExecutor(self.fetcher.settings.at_once)
        return self

    def __exit__(self, error: object, *_: object) -> None:
        if error:
            self.fetcher.cancel()
        self.pool.shutdown(wait=True, cancel_futures=True)
        # Photos that arrived in the meantime are kept; another run asks for the rest.
        for done, listing_id in self.pending.items():
            if not done.cancelled() and isinstance(name := done.result(), str):
                self.store.photo_stored(listing_id, name)

    def fetch(self, backlog: int = _BACKLOG) -> None:
        """Request every photo that is wanted; return when at most `backlog` are pending.

        The outcome of each is stored as soon as it is known. Raises CrawlStopped when many photos
        in a row fail.
        """
        while self._submit() or len(self.pending) > backlog:
            for done in wait(self.pending, return_when=FIRST_COMPLETED).done:
                self._store_result(self.pending.pop(done), done.result())

    def _submit(self) -> bool:
        """Request as many photos as the backlog holds; return whether more are wanted."""
        ids = set(self.pending.values())
        wanted = [row for row in self.store.wanted_photos(2 * _BACKLOG + 1) if row[0] not in ids]
        room = 2 * _BACKLOG - len(ids)
        for listing_id, url in wanted[:room]:
            self.pending[self.pool.submit(self._fetch, url)] = listing_id
        return len(wanted) > room

    def _fetch(self, url: str) -> str | FetchError:
        """Return the stored photo's name, or why there is none."""
        try:
            content = self.fetcher.photo(urljoin(self.site, url))
            return store_photo(self.store.photos, clean_photo(content))
        except FetchError as error:
            return error
        except ValueError as error:
            return FetchError(str(error))

    def _store_result(self, listing_id: str, result: str | FetchError) -> None:
        self.progress.listing_done()
        if isinstance(result, str):
            self.store.photo_stored(listing_id, result)
            self.progress.count("photos")
            self.failures = 0
            return
        temporary = isinstance(result, Unreachable) or result.status in (401, 403)
        self.store.photo_failed(listing_id, str(result), for_good=not temporary)
        self.progress.count("failed" if temporary else "refused")
        self.failures = self.failures + 1 if temporary else 0
        if self.failures >= self.fetcher.settings.give_up_after:
            reason = f"refuses photos, {self.failures} in a row failed: {result}"
            raise CrawlStopped(self.site, reason, WAIT)
