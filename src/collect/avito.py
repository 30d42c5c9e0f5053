"""The real site as a source: what to crawl, and where the crawl is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from src.collect.collected import Collected
from src.collect.crawl import CrawlSpec, crawl
from src.collect.fetch import Fetcher
from src.collect.hosts import Hosts
from src.collect.pages.fields import address_id
from src.collect.snapshot import snapshot
from src.collect.store import Store
from src.core.errors import UserError
from src.core.schema import Collect

SITE = "https://www.avito.ru"
_ANY_SITE = re.compile(r"^(?:https://)?(?:www\.|m\.)?avito\.ru(?=[/?#]|$)", re.IGNORECASE)
HOSTS = Hosts(pages=("avito.ru",), photos=("img.avito.st",))


@contextmanager
def avito_source(settings: Collect, seed: int, photos: Path, crawls: Path) -> Iterator[Collected]:
    """Continue the crawl in `crawls`/avito, then hand over everything that it has collected.

    Raises UserError for a start that is not on the site, and if the crawl has to stop.
    """
    avito = settings.avito
    spec = CrawlSpec(
        site=SITE,
        starts=[start_path(start) for start in avito.starts],
        now=datetime.now(UTC),
        limit=avito.limit,
        per_category=avito.per_category,
        since=avito.since,
    )
    with Store(crawls / "avito") as store:
        if avito.fetch:
            with Fetcher(settings.crawl, HOSTS) as fetcher:
                crawl(store, spec, fetcher)
        yield snapshot(store, photos)
        if avito.fetch:
            store.set_fact("exported", "yes")


def start_path(start: str) -> str:
    """Return the path of a search page, with its query, or of a listing's own page.

    It is given as such, or as a URL, also of the mobile site or without https://.
    """
    url = _ANY_SITE.sub(SITE, start.strip())
    url = url if "://" in url else f"{SITE}/{url.lstrip('/')}"
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}" != SITE or parts.path.strip("/") == "":
        raise UserError(
            f"collect.avito.starts: {start!r} is neither a search page of {SITE} nor a listing; "
            "give a URL there, or a path such as moskva/telefony"
        )
    # The query of a listing's address says only where it was clicked.
    if address_id(parts.path):
        return parts.path
    return parts.path + (f"?{parts.query}" if parts.query else "")
