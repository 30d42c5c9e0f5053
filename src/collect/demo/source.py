"""The demo as a source: the market served on this machine, and crawled like a real site."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from src.collect.crawl import Wanted, crawl
from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.market import Market
from src.collect.demo.params import DemoParams
from src.collect.demo.server import serve
from src.collect.fetch import CrawlParams, Fetcher
from src.collect.found import Found
from src.collect.hosts import Hosts
from src.collect.snapshot import snapshot
from src.collect.store import Store


@contextmanager
def demo(params: dict[str, Any], photos: Path, crawls: Path) -> Iterator[Found]:
    """Serve and crawl the demo; a crawl that was killed goes on, a finished one is not kept."""
    section, seed = params["collect"]["demo"], params["seed"]
    market = Market(DemoParams.from_params(section), seed)
    # Our own server on this machine needs no pauses.
    polite = CrawlParams(**params["collect"]["crawl"])
    hurried = replace(polite, page_delay_s=0, photo_delay_s=0)
    with serve(market) as site, Store(crawls / _name(section, seed), salt=str(seed)) as store:
        with Fetcher(hurried, Hosts(pages=(), photos=(), own=urlsplit(site).netloc)) as fetcher:
            crawl(store, wanted(market, site), fetcher)
        found = snapshot(store, photos)
        found.truth = market.truth()
        yield found
    shutil.rmtree(store.folder)


def wanted(market: Market, site: str) -> Wanted:
    """Every category of the market."""
    return Wanted(
        site=site,
        starts=[f"/moskva/{category.slug}" for category in CATEGORIES],
        now=market.now,
        names={category.slug: category.name for category in CATEGORIES},
    )


def _name(section: dict[str, Any], seed: int) -> str:
    # Another demo is another crawl: one that was killed must not go on with other listings.
    told = json.dumps([section, seed], sort_keys=True).encode()
    return f"demo-{blake2b(told, digest_size=6).hexdigest()}"
