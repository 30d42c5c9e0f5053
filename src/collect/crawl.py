"""Collect listings from a site: walk its search pages, then fetch one photo per listing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from tqdm import tqdm

from src.collect.fetch import CrawlParams, Fetcher, FetchError, Forbidden
from src.collect.found import Found, Listing, Note, seller_hash, store_photo
from src.collect.pages import Page, PageListing
from src.errors import UserError
from src.prepare.redact import redact

# Answers that mean "go away": going on with the next page would be rude and of no use.
_BLOCKED = (401, 403, 429)


def crawl(
    starts: Sequence[str],
    read_page: Callable[[bytes, str], Page],
    photos: Path,
    *,
    params: CrawlParams,
    hosts: Collection[str],
    seed: int,
    names: Mapping[str, str] | None = None,
) -> Found:
    """Collect every listing that the start pages and their `?p=2`, `?p=3` … show.

    `hosts` are the only ones asked, for pages and photos alike. `names` gives categories their
    names by slug. Photos are stored in the folder `photos`. A photo or page that cannot be had is
    noted with its reason and costs no listing. Raises UserError when robots.txt forbids a start.
    """
    found = Found()
    with Fetcher(params, hosts) as fetcher:
        seen = _walk(starts, read_page, fetcher, found)
        stored = _photos(list(seen.values()), photos, fetcher, found)
    for listing in seen.values():
        found.keep(
            Listing(
                id=listing.id,
                title=redact(listing.title),
                text=redact(listing.text),
                price=listing.price,
                category=(names or {}).get(listing.category, listing.category),
                photo=stored.get(listing.id),
                seller=seller_hash(listing.seller, seed) if listing.seller else None,
            )
        )
    return found


def _walk(
    starts: Sequence[str],
    read_page: Callable[[bytes, str], Page],
    fetcher: Fetcher,
    found: Found,
) -> dict[str, PageListing]:
    """Read each start's pages until one brings nothing new: some sites repeat the last page."""
    seen: dict[str, PageListing] = {}
    with tqdm(desc="pages", unit="page", disable=None) as bar:
        for start in starts:
            for number in count(1):
                address = start if number == 1 else _numbered(start, number)
                where = _path(address)
                try:
                    page = read_page(fetcher.page(address), address)
                except Forbidden as error:
                    raise UserError(
                        f"{address} was not asked: {error}; choose another start page or, "
                        "if the site was only unreachable, try again later"
                    ) from error
                except FetchError as error:
                    found.noted.append(Note("", f"page: {error}", where))
                    if error.status in _BLOCKED:
                        found.noted.append(Note("", "the site blocks us: stopped early", where))
                        return seen
                    break
                bar.update()
                found.rejected += page.rejected
                new = {item.id: item for item in page.listings if item.id not in seen}
                found.noted += [note for note in page.noted if note.id in new]
                if 0 < len(new) < len(page.listings):
                    again = len(page.listings) - len(new)
                    found.noted.append(Note("", "page repeats listings", f"{where}: {again}"))
                seen |= new
                if not new:
                    if number == 1 and not page.listings:
                        # An empty category, a block page and a changed layout look alike.
                        found.noted.append(Note("", "start page without listings", where))
                    break
    return seen


def _photos(
    listings: Sequence[PageListing], folder: Path, fetcher: Fetcher, found: Found
) -> dict[str, str]:
    """Fetch and store the photos; gives stored names by listing id. Order is the listings'."""

    def fetch(listing: PageListing) -> str | Note:
        assert listing.photo is not None
        try:
            return store_photo(folder, fetcher.photo(listing.photo))
        except FetchError as error:
            return Note(listing.id, f"photo: {error}", _path(listing.photo))

    wanted = [listing for listing in listings if listing.photo]
    stored: dict[str, str] = {}
    with ThreadPoolExecutor(fetcher.params.photo_workers) as pool:
        results = tqdm(
            pool.map(fetch, wanted), desc="photos", unit="photo", total=len(wanted), disable=None
        )
        for listing, result in zip(wanted, results, strict=True):
            if isinstance(result, Note):
                found.noted.append(result)
            else:
                stored[listing.id] = result
    return stored


def _numbered(start: str, number: int) -> str:
    return f"{start}{'&' if urlsplit(start).query else '?'}p={number}"


def _path(address: str) -> str:
    """Without the host: the demo's port differs from run to run, the notes must not."""
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")
