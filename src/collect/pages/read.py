"""Read a page: its bytes in, its listings out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from src.collect.found import Note
from src.collect.pages import fields
from src.collect.pages.decoding import cut_off, decode
from src.collect.pages.draft import Draft
from src.collect.pages.embedded import Catalog, catalog, states
from src.collect.pages.markup import marked
from src.collect.pages.page import FRAGMENT, Aside, Page, PageListing, Verdict
from src.collect.pages.scan import scan
from src.collect.pages.state import listed, redirect, shown_item
from src.collect.pages.verdict import verdict

FAILED = "reader failed"


def read_page(
    page: bytes, address: str, charset: str | None = None, now: datetime | None = None
) -> Page:
    """Read a page that was found at `address`, with the charset its HTTP header claims.

    `now` is when it was fetched: dates that count from now need it. A listing's category is the
    second part of the address's path (`/moskva/telefony`), or else of the listing's own, or else
    what the page's data say. What stands on the page twice, as markup and as data, is one listing:
    the markup counts, the data fill its gaps.

    Never raises: an item that cannot be read is set aside, a field that cannot is noted.
    """
    try:
        return _read(page, address, charset, now)
    except Exception as error:  # a page must never end a crawl
        fragment = page[:FRAGMENT].decode("utf-8", "replace")
        aside = Aside("", f"{FAILED}: {type(error).__name__}", fragment)
        return Page(Verdict.UNKNOWN, [], [aside], [], None, None)


def _read(page: bytes, address: str, charset: str | None, now: datetime | None) -> Page:
    text, misread = decode(page, charset)
    found = scan(text)
    gathered = _Gathered()
    gathered.take(marked(found.items, address, now))
    if found.too_deep:
        gathered.rejected.append(Aside("", "nested too deep: the rest is not read", ""))
    catalogs: list[Catalog] = []
    for state in states(found):
        if isinstance(state, Aside):
            gathered.rejected.append(state)
        elif search := catalog(state):
            catalogs.append(search)
            gathered.take(listed(search.items, address))
        elif target := redirect(state):
            gathered.noted.append(Note("", "the page only sends the browser on", target[:FRAGMENT]))
        else:
            gathered.take(shown_item(state, address))
    totals = [fields.count(shown) for shown in (found.count, *(c.total for c in catalogs))]
    total = next((told for told in totals if told is not None), None)
    listings = gathered.finish(fields.category(address))
    return Page(
        verdict(len(listings), len(gathered.rejected), found.signs, total, bool(catalogs)),
        listings,
        gathered.rejected,
        gathered.noted,
        total,
        "cut off" if cut_off(page) else "mis-encoded" if misread else None,
    )


class _Gathered:
    """Drafts by id, over the sources of one page."""

    def __init__(self) -> None:
        self.drafts: dict[str, Draft] = {}
        self.rejected: list[Aside] = []
        self.noted: list[Note] = []

    def take(self, source: Iterable[Draft | Aside]) -> None:
        """Take what one source says; what it says of an id again only counts as a note."""
        seen: set[str] = set()
        for found in source:
            if isinstance(found, Aside):
                self.rejected.append(found)
            elif found.id in seen:
                self.noted.append(Note(found.id, "listed twice on the page"))
            else:
                seen.add(found.id)
                if known := self.drafts.get(found.id):
                    known.fill(found)
                else:
                    self.drafts[found.id] = found

    def finish(self, category: str | None) -> list[PageListing]:
        """The listings; those that are none are set aside, what they lack is noted."""
        listings: list[PageListing] = []
        for draft in self.drafts.values():
            finished = draft.finish(category)
            if isinstance(finished, Aside):
                self.rejected.append(finished)
            else:
                listings.append(finished)
                self.noted += draft.missing()
        return listings
