"""A crawl's progress bar: listings per second, an estimate, and counts by outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Self

from tqdm import tqdm

from src.collect.store import Store


class Progress:
    """Use as a context manager. A listing is done when its photo is stored or has failed."""

    def __init__(self, store: Store, limit: int) -> None:
        self.store, self.limit = store, limit
        self.outcomes: Counter[str] = Counter()

    def __enter__(self) -> Self:
        done = self.store.count() - self.store.photo_counts().get("wanted", 0)
        self.bar = tqdm(desc="collect", unit="listing", initial=done, disable=None, mininterval=1)
        self._estimate()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def add_page(self, without_photo: Iterable[bool]) -> None:
        """Count the listings of a page; those without a photo are done."""
        self._estimate()
        self.bar.update(sum(without_photo))

    def listing_done(self) -> None:
        self.bar.update()

    def count(self, outcome: str) -> None:
        self.outcomes[outcome] += 1
        self.bar.set_postfix(self.outcomes, refresh=False)

    def _estimate(self) -> None:
        expected = self.store.expected()
        if self.limit:
            expected = min(expected, self.limit)
        self.bar.total = max(expected, self.store.count()) or None
