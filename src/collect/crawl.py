"""Walk a site's search pages, and pages of single listings, into a store; fetch their photos."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from src.collect.collected import Listing, Note
from src.collect.errors import WAIT, CrawlStopped, FetchError, Forbidden, Unreachable
from src.collect.fetch import Fetcher
from src.collect.pages.fields import address_id
from src.collect.pages.page import Page, PageListing, Verdict
from src.collect.pages.read import read_page
from src.collect.photo_fetcher import PhotoFetcher
from src.collect.progress import Progress
from src.collect.store import Store
from src.core.errors import UserError

# How often a page that is damaged, unreadable or a repetition is requested again.
_RETRIES = 2
# What identifies a seller: the path of the seller's page, or a field in the page's own data.
_SELLER = re.compile(r'(/(?:user|brands)/|"(?:seller|user)\w*"\s*:\s*"?)[^"/?\s,}]+')


@dataclass(frozen=True)
class CrawlSpec:
    """What to walk, and how much of it to store; 0 and "" mean no limit.

    Attributes:
        site: scheme and host that starts are relative to.
        starts: paths of search pages, with their query, and of listings' own pages.
        now: the time that "2 days ago" on a page refers to.
        limit: stop when the store has this many listings.
        per_category: the most listings of one category.
        since: leave out listings older than this date, YYYY-MM-DD, where pages tell it.
        names: names of categories by their slug, where slugs are not enough.
    """

    site: str
    starts: Sequence[str]
    now: datetime
    limit: int = 0
    per_category: int = 0
    since: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


def crawl(store: Store, spec: CrawlSpec, fetcher: Fetcher) -> None:
    """Bring the store up to date with the site; continues where an earlier run ended.

    A page or photo that cannot be fetched is noted with its reason and costs no listing. Raises
    UserError if robots.txt forbids a start, and if the site blocks the crawl or is unreachable.
    """
    if store.fact("exported"):
        store.walk_again(spec.starts)
    store.set_fact("exported", "")
    store.retry_failed()
    try:
        _walk_all(store, spec, fetcher)
    except CrawlStopped as stop:
        photos = store.photo_counts().get("stored", 0)
        raise UserError(
            f"{stop}; {store.folder} keeps what was collected (listings: {store.count()}, photos: "
            f"{photos}); {stop.advice}, then run the same command again to continue"
        ) from stop


def _walk_all(store: Store, spec: CrawlSpec, fetcher: Fetcher) -> None:
    with (
        Progress(store, spec.limit) as progress,
        PhotoFetcher(store, spec.site, fetcher, progress) as photos,
    ):
        photos.fetch()
        for start in spec.starts:
            for _ in _Walk(store, spec, fetcher, start, progress).pages():
                photos.fetch()
        photos.fetch(backlog=0)


class _Walk:
    """Through the pages of one start; a listing's own page is a walk of one page."""

    def __init__(
        self, store: Store, spec: CrawlSpec, fetcher: Fetcher, start: str, progress: Progress
    ) -> None:
        self.store, self.spec, self.fetcher = store, spec, fetcher
        self.start, self.progress = start, progress
        self.item = address_id(start)

    def pages(self) -> Iterator[None]:
        """Store page after page, until the walk is done or a limit is reached."""
        while page_number := self.store.position(self.start).page:
            if self.spec.limit and self.store.count() >= self.spec.limit:
                return
            page = self._fetch(page_number)
            if page is None or not page.listings:
                self._note_all(page)
                self.store.finish_start(self.start)
                return
            whole = self._add(page)
            yield
            if self.item and whole:
                self.store.finish_start(self.start)
            if not whole:
                return

    def _fetch(self, page_number: int) -> Page | None:
        """Return a page, requested again if it is odd; None if there is no such page."""
        url = urljoin(self.spec.site, _page_path(self.start, page_number))
        for _ in range(_RETRIES + 1):
            try:
                fetched = self.fetcher.page(url)
            except Forbidden as error:
                raise UserError(
                    f"{url} was not requested: {error}; choose another start"
                ) from error
            except Unreachable as error:
                raise CrawlStopped(url, f"cannot be fetched: {error}") from error
            except FetchError as error:
                if error.status in (401, 403):
                    raise CrawlStopped(url, f"blocks us: {error}", WAIT) from error
                # Some sites answer 404 past the last page: the end, not a problem.
                if page_number == 1 or error.status not in (404, 410):
                    self._note(f"page: {error}")
                return None
            self.progress.count("pages")
            page = read_page(fetched.content, fetched.url, fetched.charset, self.spec.now)
            if page.verdict == Verdict.CAPTCHA:
                raise CrawlStopped(url, "asks for a captcha", WAIT)
            if page.verdict == Verdict.BLOCKED:
                raise CrawlStopped(url, "blocks us: it shows a block page", WAIT)
            if not (page.damaged or page.verdict == Verdict.UNKNOWN or self._was_shown(page)):
                break
        if self.item:
            self._keep_only_item(page)
        if page.verdict == Verdict.UNKNOWN:
            self._note("page: unknown layout")
            # One listing may be gone; a search that cannot be read is no accident.
            if page_number == 1 and not self.item:
                reason = f"has an unknown layout, unreadable items: {len(page.rejected)}"
                advice = "open it in a browser: if it shows listings, the parser needs an update"
                raise CrawlStopped(url, reason, advice)
        if page.verdict == Verdict.EMPTY and page_number == 1:
            self._note("page: says that it has no listings")
        return page

    def _keep_only_item(self, page: Page) -> None:
        """Leave out what a listing's page shows beside it, or instead of it if it is gone."""
        asked = [item for item in page.listings if item.id == self.item]
        if page.listings and not asked:
            self._note("page: shows other listings than the one asked for")
        page.listings = asked
        if asked and self.store.has(asked[0].id):
            # A search page may have shown the beginning of its text only.
            self.store.lengthen_text(asked[0].id, asked[0].text)

    def _add(self, page: Page) -> bool:
        """Store what is new on the page; return whether the walk may continue."""
        if page.total is not None:
            self.store.set_fact(f"total {self.start}", str(page.total))
        walk = self.store.position(self.start).walk
        if self._was_shown(page):
            self._note("page: shows an earlier one again")
        fresh = [item for item in page.listings if not self.store.has(item.id)]
        recent = [item for item in fresh if not item.listed or item.listed >= self.spec.since]
        listings = [self._listing(item) for item in recent]
        taken = self._within_limits(listings)
        fresh_ids = {item.id for item in fresh}
        page.noted = [note for note in page.noted if note.id in fresh_ids]
        # A page cut short by a limit is requested again when the limit is raised. But where a
        # search mixes categories, a full category does not end the walk.
        mixed = len({listing.category for listing in listings}) > 1
        full = self.store.count() + len(taken) == self.spec.limit
        whole = len(taken) == len(listings) or (mixed and bool(taken) and not full)
        self._note_all(page)
        shown = [item.id for item in page.listings]
        new = self.store.add_page(self.start, shown, taken, whole=whole)
        self.progress.add_page(listing.photo is None for listing in taken)
        # A later walk ends at what is known. In the first, one page may be a mere repetition.
        nothing_new = not new and (walk > 1 or self.store.pages_without_new(self.start) > 1)
        too_old = bool(fresh) and not recent
        if whole and (nothing_new or too_old):
            self.store.finish_start(self.start)
        return whole

    def _within_limits(self, listings: list[Listing]) -> list[Listing]:
        room = self.spec.limit - self.store.count() if self.spec.limit else len(listings)
        if not self.spec.per_category:
            return listings[:room]
        taken: list[Listing] = []
        for listing in listings:
            same = sum(other.category == listing.category for other in taken)
            if self.store.count(listing.category) + same < self.spec.per_category:
                taken.append(listing)
        return taken[:room]

    def _listing(self, item: PageListing) -> Listing:
        # Relative to the site: the demo server's port differs from run to run.
        photo = item.photos[0].removeprefix(self.spec.site) if item.photos else None
        category = self.spec.names.get(item.category, item.category)
        return Listing(
            item.id, item.title, item.text, item.price, category, photo, item.seller,
            listed=item.listed,
        )  # fmt: skip

    def _was_shown(self, page: Page) -> bool:
        ids = [item.id for item in page.listings]
        return bool(ids) and self.store.was_shown(self.start, ids)

    def _note(self, reason: str) -> None:
        path = _page_path(self.start, self.store.position(self.start).page)
        self.store.note("noted", Note("", reason, path))

    def _note_all(self, page: Page | None) -> None:
        if page is None:
            return
        if page.damaged:
            self._note(f"page: {page.damaged}")
        for note in page.noted:
            self.store.note("noted", note)
        for item in page.rejected:
            fragment = _SELLER.sub(r"\1…", item.fragment)
            self.store.note("rejected", Note(item.id, item.reason, fragment))


def _page_path(start: str, page_number: int) -> str:
    if page_number == 1:
        return start
    return f"{start}{'&' if urlsplit(start).query else '?'}p={page_number}"
