"""The reader on the demo's own pages."""

from __future__ import annotations

from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.market import Market
from src.collect.demo.server import Site
from src.collect.pages.read import read_page


def test_own_page_gives_what_the_market_has(market: Market) -> None:
    site, path = Site(market, ""), f"/moskva/{CATEGORIES[0].slug}"
    site.respond(path)  # a fault strikes the first time only
    page = read_page(site.respond(path)[2], f"http://127.0.0.1:1{path}")
    shown = {facts.id: facts for facts in market.facts if facts.shown == 0}
    assert page.listings and {listing.id for listing in page.listings} <= set(shown)
    assert page.damaged is None and not page.rejected
    for listing in page.listings:
        facts, text = shown[listing.id], market.text(shown[listing.id].index)
        assert listing.title == " ".join(text.title.split())
        assert listing.text == text.body.strip()
        assert listing.price == facts.price
        assert bool(listing.photos) == (facts.photo != "none")
        assert listing.seller and facts.seller in listing.seller
