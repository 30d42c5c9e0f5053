"""The demo as a source: the market served on this machine, and crawled like a real site."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit

from src.collect.collected import Collected
from src.collect.crawl import CrawlSpec, crawl
from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.market import Market
from src.collect.demo.server import serve
from src.collect.fetch import Fetcher
from src.collect.hosts import Hosts
from src.collect.snapshot import snapshot
from src.collect.store import Store
from src.core.schema import Collect


@contextmanager
def demo_source(settings: Collect, seed: int, photos: Path, crawls: Path) -> Iterator[Collected]:
    """Serve and crawl the demo; a killed crawl is continued, a finished one is not kept."""
    market = Market(settings.demo, seed)
    # Our own server on this machine needs no pauses.
    hurried = settings.crawl.model_copy(update={"page_delay_s": 0, "photo_delay_s": 0})
    # Another demo is another crawl: a killed one must not be continued with other listings.
    key = f"{settings.demo.model_dump_json()} {seed}".encode()
    folder = crawls / f"demo-{blake2b(key, digest_size=6).hexdigest()}"
    with serve(market) as site, Store(folder, salt=str(seed)) as store:
        with Fetcher(hurried, Hosts(pages=(), photos=(), local=urlsplit(site).netloc)) as fetcher:
            crawl(store, demo_crawl_spec(market, site), fetcher)
        collected = snapshot(store, photos)
        collected.truth = market.truth()
        yield collected
    shutil.rmtree(folder)


def demo_crawl_spec(market: Market, site: str) -> CrawlSpec:
    """Return the crawl of every category of the market."""
    return CrawlSpec(
        site=site,
        starts=[f"/moskva/{category.slug}" for category in CATEGORIES],
        now=market.now,
        names={category.slug: category.name for category in CATEGORIES},
    )
