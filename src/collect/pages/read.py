"""Read a page: bytes in, listings out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from src.collect.collected import Note
from src.collect.pages import fields
from src.collect.pages.addressed import addressed_drafts
from src.collect.pages.decoding import decode_page, is_cut_off
from src.collect.pages.draft import Draft
from src.collect.pages.embedded import SearchResults, embedded_states, search_results
from src.collect.pages.item_view import item_view_draft
from src.collect.pages.markup import markup_drafts
from src.collect.pages.page import FRAGMENT, Page, PageListing, RejectedItem, Verdict
from src.collect.pages.scan import Scan, scan_page
from src.collect.pages.state import item_drafts, redirect_target, search_drafts
from src.collect.pages.verdict import verdict

FAILED = "reader failed"


def read_page(
    page: bytes, url: str, charset: str | None = None, now: datetime | None = None
) -> Page:
    """Read a page; never raises.

    An item that cannot be read is rejected, a field that cannot is noted. A listing's category is
    the second part of the page's path (`/moskva/telefony`), otherwise of the item's own path,
    otherwise what the page's data say. An item that is there twice, as markup and as data, is one
    listing: the markup of a search counts, and the data of an item's own page; the other fills the
    gaps. Where nothing is marked as an item, every link to an ad's address is one.

    Args:
        charset: what the HTTP header claims.
        now: when the page was fetched; dates relative to now cannot be read without it.
    """
    try:
        return _read(page, url, charset, now)
    # No page may end a crawl: the next run would fail at the same one.
    except Exception as error:
        fragment = page[:FRAGMENT].decode("utf-8", "replace")
        rejected = RejectedItem("", f"{FAILED}: {type(error).__name__}", fragment)
        return Page(Verdict.UNKNOWN, [], [rejected], [], None, None)


def _read(page: bytes, url: str, charset: str | None, now: datetime | None) -> Page:
    text, mis_encoded = decode_page(page, charset)
    scan = scan_page(text)
    gathered = _Gathered()
    if scan.too_deep:
        reason = "nested too deep: the rest is not read"
        gathered.rejected.append(RejectedItem("", reason, ""))
    read = _read_item if scan.view.found else _read_search
    searches = read(scan, url, now, gathered)
    totals = map(fields.parse_count, (scan.count, *(search.total for search in searches)))
    total = next((count for count in totals if count is not None), None)
    listings = gathered.finish(fields.category_slug(url))
    return Page(
        verdict(len(listings), len(gathered.rejected), scan.signs, total, bool(searches)),
        listings,
        gathered.rejected,
        gathered.noted,
        total,
        "cut off" if is_cut_off(page) else "mis-encoded" if mis_encoded else None,
    )


def _read_item(
    scan: Scan, url: str, now: datetime | None, gathered: _Gathered
) -> list[SearchResults]:
    """Read the one listing of its own page, and none of those that it recommends.

    Its data come first, because only they have all photos in a large size.
    """
    for state in embedded_states(scan):
        if isinstance(state, RejectedItem):
            gathered.rejected.append(state)
        else:
            gathered.add(item_drafts(state, url))
    gathered.add(item_view_draft(scan.view, url, now))
    return []


def _read_search(
    scan: Scan, url: str, now: datetime | None, gathered: _Gathered
) -> list[SearchResults]:
    """Read the listings of a search; return the lists that its data have."""
    gathered.add(markup_drafts(scan.items, url, now))
    searches: list[SearchResults] = []
    for state in embedded_states(scan):
        if isinstance(state, RejectedItem):
            gathered.rejected.append(state)
        elif search := search_results(state):
            searches.append(search)
            gathered.add(search_drafts(search.items, url))
        elif target := redirect_target(state):
            note = Note("", "the page only redirects the browser", target[:FRAGMENT])
            gathered.noted.append(note)
        else:
            gathered.add(item_drafts(state, url))
    # A search that found nothing shows ads from elsewhere.
    if not (gathered.drafts or scan.items or searches or scan.signs.nothing_found):
        gathered.add(addressed_drafts(scan.addressed.items, url, now))
    return searches


class _Gathered:
    """Drafts by id from all sources in one page."""

    def __init__(self) -> None:
        self.drafts: dict[str, Draft] = {}
        self.rejected: list[RejectedItem] = []
        self.noted: list[Note] = []

    def add(self, source: Iterable[Draft | RejectedItem]) -> None:
        """Add what one source has; the second item of one id in it is only noted."""
        seen: set[str] = set()
        for found in source:
            if isinstance(found, RejectedItem):
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
        """Return the listings; reject drafts that are not listings, note what is missing."""
        listings: list[PageListing] = []
        for draft in self.drafts.values():
            finished = draft.finish(category)
            if isinstance(finished, RejectedItem):
                self.rejected.append(finished)
            else:
                listings.append(finished)
                self.noted += draft.missing()
        return listings
