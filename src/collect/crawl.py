"""Walk a site's search pages into a store, and fetch one photo per listing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from src.collect.fetch import Fetcher, Forbidden, Unreachable
from src.collect.found import Listing, Note
from src.collect.hosts import FetchError
from src.collect.pages.page import Page, PageListing, Verdict
from src.collect.pages.read import read_page
from src.collect.photos import Photos
from src.collect.progress import Progress
from src.collect.stopped import WAIT, Stopped
from src.collect.store import Store
from src.core.errors import UserError

# How often a page that came damaged, unreadable or for the second time is asked for once more.
_AGAIN = 2
# Whoever sells: the path of a seller's page, or a field of the page's own data.
_SELLER = re.compile(r'(/(?:user|brands)/|"(?:seller|user)\w*"\s*:\s*"?)[^"/?\s,}]+')


@dataclass(frozen=True)
class Wanted:
    """What to walk, and how much of it to take; 0 and "" mean no limit.

    Attributes:
        site: scheme and host that starts are relative to.
        starts: paths of search pages, with their query.
        now: the moment that the pages' "2 days ago" is counted from.
        limit: stop when the store holds so many listings.
        per_category: the same for each category.
        since: leave out listings put up before this ISO date, where pages tell it.
        names: categories' names by their slug, where slugs are not enough.
    """

    site: str
    starts: Sequence[str]
    now: datetime
    limit: int = 0
    per_category: int = 0
    since: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


def crawl(store: Store, wanted: Wanted, fetcher: Fetcher) -> None:
    """Bring the store up to date with the site; goes on where an earlier run ended.

    A photo or page that cannot be had is noted with its reason and costs no listing. Raises
    UserError when robots.txt forbids a start, and when the site blocks or cannot be reached.
    """
    if store.fact("exported"):
        store.walk_again(wanted.starts)
    store.set_fact("exported", "")
    store.retry_failed()
    try:
        _walk_all(store, wanted, fetcher)
    except Stopped as stop:
        photos = store.photo_counts().get("stored", 0)
        raise UserError(
            f"{stop}; stopped, {store.count()} listings and {photos} photos are kept in "
            f"{store.folder}; {stop.advice}, then run the same command again: it goes on from here"
        ) from stop


def _walk_all(store: Store, wanted: Wanted, fetcher: Fetcher) -> None:
    with (
        Progress(store, wanted.limit) as progress,
        Photos(store, wanted.site, fetcher, progress) as photos,
    ):
        photos.fetch()
        for start in wanted.starts:
            for _ in _Walk(store, wanted, fetcher, start, progress).pages():
                photos.fetch()
        photos.fetch(backlog=0)


class _Walk:
    """Through the pages of one start."""

    def __init__(
        self, store: Store, wanted: Wanted, fetcher: Fetcher, start: str, progress: Progress
    ) -> None:
        self.store, self.wanted, self.fetcher = store, wanted, fetcher
        self.start, self.progress = start, progress

    def pages(self) -> Iterator[None]:
        """Take over one page after the other, until the walk is done or a limit is reached."""
        while (place := self.store.place(self.start)).page:
            if self.wanted.limit and self.store.count() >= self.wanted.limit:
                return
            page = self._ask(place.page)
            if page is None or not page.listings:
                self._note_all(page)
                self.store.finish_start(self.start)
                return
            whole = self._take_over(page)
            yield
            if not whole:
                return

    def _ask(self, number: int) -> Page | None:
        """Page `number`, asked again where it came odd; None where there is no such page."""
        address = urljoin(self.wanted.site, _numbered(self.start, number))
        for _ in range(_AGAIN + 1):
            try:
                answer = self.fetcher.page(address)
            except Forbidden as error:
                reason = f"{address} was not asked: {error}; choose another start"
                raise UserError(reason) from error
            except Unreachable as error:
                raise Stopped(address, f"could not be had: {error}") from error
            except FetchError as error:
                if error.status in (401, 403):
                    what = f"blocks us: {error}"
                    raise Stopped(address, what, WAIT) from error
                # Past the last page some sites answer 404: that is an end, not a trouble.
                if number == 1 or error.status not in (404, 410):
                    self._note(f"page: {error}")
                return None
            self.progress.count("pages")
            page = read_page(answer.content, answer.address, answer.charset, self.wanted.now)
            if page.verdict in (Verdict.BLOCKED, Verdict.CAPTCHA):
                captcha = page.verdict == Verdict.CAPTCHA
                what = "asks a captcha" if captcha else "blocks us: it shows a block page"
                raise Stopped(address, what, WAIT)
            if not (page.damaged or page.verdict == Verdict.UNKNOWN or self._was_shown(page)):
                break
        if page.verdict == Verdict.UNKNOWN:
            self._note("page: unknown layout")
            if number == 1:
                what = f"has an unknown layout: {len(page.rejected)} items, none can be read"
                look = "open it in a browser: if it shows listings, the parser needs mending"
                raise Stopped(address, what, look)
        if page.verdict == Verdict.EMPTY and number == 1:
            self._note("page: says that it has no listings")
        return page

    def _take_over(self, page: Page) -> bool:
        """Store what is new on the page; returns whether the walk may go on to the next one."""
        if page.total is not None:
            self.store.set_fact(f"total {self.start}", str(page.total))
        walk = self.store.place(self.start).walk
        again = self._was_shown(page)
        if again:
            self._note("page: shows an earlier one again")
        fresh = [item for item in page.listings if not self.store.has(item.id)]
        recent = [item for item in fresh if not item.listed or item.listed >= self.wanted.since]
        listings = [self._listing(item) for item in recent]
        taken = self._within_limits(listings)
        new_ids = {item.id for item in fresh}
        page.noted = [note for note in page.noted if note.id in new_ids]
        # Cut short by a limit, a page is asked again when the limit is raised; but where a search
        # mixes categories, one that is full does not end it.
        mixed = len({listing.category for listing in listings}) > 1
        full = self.store.count() + len(taken) == self.wanted.limit
        whole = len(taken) == len(listings) or (mixed and bool(taken) and not full)
        shown = [item.id for item in page.listings]
        self._note_all(page)
        new = self.store.add_page(self.start, shown, taken, whole=whole)
        self.progress.add(listing.photo is None for listing in taken)
        # A later walk ends at what is known; in the first, one page may only repeat another.
        barren = not new and (walk > 1 or self.store.barren_pages(self.start) > 1)
        too_old = bool(fresh) and not recent
        if whole and (barren or too_old):
            self.store.finish_start(self.start)
        return whole

    def _within_limits(self, listings: list[Listing]) -> list[Listing]:
        room = self.wanted.limit - self.store.count() if self.wanted.limit else len(listings)
        if not self.wanted.per_category:
            return listings[:room]
        taken: list[Listing] = []
        for listing in listings:
            same = sum(other.category == listing.category for other in taken)
            if self.store.count(listing.category) + same < self.wanted.per_category:
                taken.append(listing)
        return taken[:room]

    def _listing(self, item: PageListing) -> Listing:
        # Relative to the site: the port of our own one differs from run to run.
        photo = item.photos[0].removeprefix(self.wanted.site) if item.photos else None
        category = self.wanted.names.get(item.category, item.category)
        return Listing(
            item.id, item.title, item.text, item.price, category, photo, item.seller,
            listed=item.listed,
        )  # fmt: skip

    def _was_shown(self, page: Page) -> bool:
        ids = [item.id for item in page.listings]
        return bool(ids) and self.store.was_shown(self.start, ids)

    def _note(self, reason: str) -> None:
        where = _numbered(self.start, self.store.place(self.start).page)
        self.store.note("noted", Note("", reason, where))

    def _note_all(self, page: Page | None) -> None:
        if page is None:
            return
        if page.damaged:
            self._note(f"page: {page.damaged}")
        for note in page.noted:
            self.store.note("noted", note)
        for aside in page.rejected:
            fragment = _SELLER.sub(r"\1…", aside.fragment)
            self.store.note("rejected", Note(aside.id, aside.reason, fragment))


def _numbered(start: str, number: int) -> str:
    if number == 1:
        return start
    return f"{start}{'&' if urlsplit(start).query else '?'}p={number}"
