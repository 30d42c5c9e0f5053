"""What the demo's server sees of a crawl: no requests too close together or too many at once."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from src.collect.crawl import crawl
from src.collect.demo.market import Market
from src.collect.demo.server import SeenRequest, serve
from src.collect.demo.source import demo_crawl_spec
from src.collect.fetch import Fetcher
from src.collect.hosts import Hosts
from src.collect.store import Store
from tests.collect.sites import CRAWL


@pytest.mark.parametrize("delay_s", [0.04, 0.0])
def test_the_server_sees_the_pace_and_the_number_at_once(
    delay_s: float, market: Market, tmp_path: Path
) -> None:
    seen: list[SeenRequest] = []
    pace = {"page_delay_s": delay_s, "photo_delay_s": delay_s, "jitter": 0.3}
    settings = CRAWL.model_copy(update=pace | {"at_once": 3, "attempts": 6})
    with serve(market, watch=seen.append) as at, Store(tmp_path) as store:
        spec = replace(demo_crawl_spec(market, at), limit=40)
        hosts = Hosts(pages=(), photos=(), local=urlsplit(at).netloc)
        with Fetcher(settings, hosts) as fetcher:
            crawl(store, spec, fetcher)
        assert store.count() == 40 and store.photo_counts()["stored"] > 20
    assert len(seen) > 30 and max(request.in_flight for request in seen) <= 3
    if delay_s:
        starts = sorted(request.started for request in seen)
        assert min(later - earlier for earlier, later in pairwise(starts)) >= delay_s
    else:
        assert max(request.in_flight for request in seen) > 1
