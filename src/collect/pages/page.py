"""What a page is read into."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from src.collect.found import Note

FRAGMENT = 2_000


class Verdict(StrEnum):
    """What a page is. Only `EMPTY` says that a search has no listings."""

    LISTINGS = "listings"
    EMPTY = "empty"
    BLOCKED = "blocked"
    CAPTCHA = "captcha"
    UNKNOWN = "unknown layout"


@dataclass(frozen=True)
class PageListing:
    """One listing as the page shows it; `price` is in the page's currency.

    `photos` are absolute http(s) addresses, each in its best size. `seller` tells sellers apart:
    the path of the seller's page, or else an id. `listed` is the day the ad was put up, as
    "YYYY-MM-DD".
    """

    id: str
    title: str
    text: str
    price: float | None
    category: str
    photos: tuple[str, ...]
    seller: str | None
    listed: str | None


class Aside(NamedTuple):
    """An item that could not be read: a reason to count by, and up to `FRAGMENT` characters."""

    id: str
    reason: str
    fragment: str


@dataclass
class Page:
    """`rejected` items could not be read; `noted` ones are listed, with something missing.

    `total` is how many listings the search says it has. `damaged` is why the page is not what the
    site sent, "cut off" or "mis-encoded": worth asking for again.
    """

    verdict: Verdict
    listings: list[PageListing]
    rejected: list[Aside]
    noted: list[Note]
    total: int | None
    damaged: str | None
