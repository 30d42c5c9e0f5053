"""The real site as a source: what is asked of it, and where its crawl is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from src.collect.crawl import Wanted, crawl
from src.collect.fetch import CrawlParams, Fetcher
from src.collect.found import Found
from src.collect.hosts import Hosts
from src.collect.snapshot import snapshot
from src.collect.store import Store
from src.core.errors import UserError

SITE = "https://www.avito.ru"
HOSTS = Hosts(pages=("avito.ru",), photos=("img.avito.st",))


@contextmanager
def avito(params: dict[str, Any], photos: Path, crawls: Path) -> Iterator[Found]:
    """Go on with the crawl in `crawls`/avito, then hand over all that it has gathered.

    Raises UserError for senseless params and where the crawl has to stop.
    """
    section = params["collect"]["avito"]
    wanted = _wanted(section)
    with Store(crawls / "avito") as store:
        if section["fetch"]:
            with Fetcher(CrawlParams(**params["collect"]["crawl"]), HOSTS) as fetcher:
                crawl(store, wanted, fetcher)
        yield snapshot(store, photos)
        if section["fetch"]:
            store.set_fact("exported", "yes")


def _wanted(section: dict[str, Any]) -> Wanted:
    if not section["starts"]:
        raise UserError(
            "collect.avito.starts is empty; name search pages there, such as moskva/telefony"
        )
    for name in ("limit", "per_category"):
        if not isinstance(section[name], int) or section[name] < 0:
            raise UserError(f"collect.avito.{name} is {section[name]!r}; give a number, 0 for all")
    since = str(section["since"] or "")
    try:
        date.fromisoformat(since or "2000-01-01")
    except ValueError:
        raise UserError(
            f"collect.avito.since is {since!r}; give a date such as 2026-01-31, or ''"
        ) from None
    return Wanted(
        site=SITE,
        starts=[_start(start) for start in section["starts"]],
        now=datetime.now(UTC),
        limit=section["limit"],
        per_category=section["per_category"],
        since=since,
    )


def _start(given: str) -> str:
    """The path and query of a search page."""
    address = given if "://" in given else f"{SITE}/{given.lstrip('/')}"
    parts = urlsplit(address)
    if f"{parts.scheme}://{parts.netloc}" != SITE or parts.path.strip("/") == "":
        raise UserError(
            f"collect.avito.starts: {given!r} is no search page of {SITE}; "
            "give an address there, or a path such as moskva/telefony"
        )
    return parts.path + (f"?{parts.query}" if parts.query else "")
