"""What a page is read into."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from src.collect.collected import Note

# The most characters of a rejected item that are kept.
FRAGMENT = 2_000


class Verdict(StrEnum):
    """What a page is. Only `EMPTY` means that a search has no listings."""

    LISTINGS = "listings"
    EMPTY = "empty"
    BLOCKED = "blocked"
    CAPTCHA = "captcha"
    UNKNOWN = "unknown layout"


@dataclass(frozen=True)
class PageListing:
    """One listing as the page shows it.

    Attributes:
        price: in the page's currency.
        photos: absolute http(s) URLs, each of the largest size.
        seller: identifies the seller: the path of the seller's page, otherwise an id.
        listed: the day the ad was posted, YYYY-MM-DD.
    """

    id: str
    title: str
    text: str
    price: float | None
    category: str
    photos: tuple[str, ...]
    seller: str | None
    listed: str | None


class RejectedItem(NamedTuple):
    """An item that could not be read: a reason to count by, and up to FRAGMENT characters of it."""

    id: str
    reason: str
    fragment: str


@dataclass
class Page:
    """What was read from a page.

    Attributes:
        rejected: items that could not be read.
        noted: what is missing from the listings.
        total: how many listings the search says it has.
        damaged: why the page is not what the site sent, "cut off" or "mis-encoded", which makes it
            worth requesting again.
    """

    verdict: Verdict
    listings: list[PageListing]
    rejected: list[RejectedItem]
    noted: list[Note]
    total: int | None
    damaged: str | None
