"""The demo's pages: newest first, two layouts with the same listings, an end."""

from __future__ import annotations

import json
import re
from collections import Counter
from html import unescape
from typing import Any

import pytest
from lxml import html

from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.dates import in_words, posted_at
from src.collect.demo.faults import ANYWHERE, TRANSIENT, draw_fault
from src.collect.demo.market import Market
from src.collect.demo.pages import PER_PAGE, search_page
from src.collect.demo.site import Site

SLUG = CATEGORIES[0].slug
NOWHERE = f"/moskva/{SLUG}?p=99"


def site(market: Market, **faults: float) -> Site:
    """Return a site of 700 listings with these faults and no others."""
    none = dict.fromkeys((*TRANSIENT, "relaid"), 0.0)
    chosen = market.settings.faults.model_copy(update=none | faults)
    changes = {"listings": 700, "photo_size": 32, "faults": chosen}
    return Site(Market(market.settings.model_copy(update=changes), 7), "")


@pytest.fixture(scope="module")
def old(large_market: Market) -> Site:
    return site(large_market)


@pytest.fixture(scope="module")
def new(large_market: Market) -> Site:
    return site(large_market, relaid=1)


def in_markup(page: bytes) -> list[dict[str, Any]]:
    """Return the listings of a page of the old layout."""
    items = html.fromstring(page.decode()).xpath('//*[@data-marker="item"]')
    return [
        {
            "id": item.get("data-item-id"),
            "title": item.xpath('string(.//*[@itemprop="name"])'),
            "text": item.xpath('string(.//*[@itemprop="description"]/@content)'),
            "price": item.xpath('string(.//*[@itemprop="price"]/@content)'),
            "where": item.xpath('string(.//a[@itemprop="url"]/@href)'),
            "photo": item.xpath(
                'substring-after(.//*[starts-with(@data-marker, "slider-image/")]/@data-marker,'
                ' "slider-image/image-")'
            ),
            "seller": item.xpath('string(.//*[@data-marker="item-user-logo-link"]/@href)'),
            "date": item.xpath('string(.//*[@data-marker="item-date"])'),
        }
        for item in items
    ]


def entries(page: bytes) -> list[dict[str, Any]]:
    """Return the entries of a page of the new layout, adverts included."""
    scripts = re.findall(
        r'<script type="mime/invalid" data-mfe-state="true">([^<>]*)</script>', page.decode()
    )
    assert len(scripts) == 1
    items: list[dict[str, Any]] = json.loads(unescape(scripts[0]))["loaderData"]["data"]["catalog"][
        "items"
    ]
    return items


def in_json(page: bytes, market: Market) -> list[dict[str, Any]]:
    """Return the listings of a page of the new layout, with the keys of `in_markup`."""
    rows = []
    for entry in entries(page):
        if "id" not in entry:
            continue
        index = (entry["id"] - 4_000_000_000) // 37
        assert entry["sortTimeStamp"] == posted_at(index).timestamp() * 1000
        image = (entry["images"] or [{"636x476": ""}])[0]
        link = entry["iva"]["UserInfoStep"][0]["payload"]["profile"]["link"]
        assert link.startswith(f"/user/{entry['sellerId']}/profile")
        value = entry["priceDetailed"]["value"]
        rows.append(
            {
                "id": str(entry["id"]),
                "title": entry["title"],
                "text": entry["description"],
                "price": "" if value is None else str(value),
                "where": entry["urlPath"],
                "photo": image["636x476"],
                "seller": link,
                "date": in_words(posted_at(index), market.now),
            }
        )
    return rows


def test_pages_show_the_newest_first(old: Site) -> None:
    shown = [facts for facts in reversed(old.market.facts) if facts.shown == 0]
    seen: list[str] = []
    for number in range(1, 1 + -(-len(shown) // PER_PAGE)):
        rows = in_markup(old.correct_response(f"/moskva/{SLUG}?p={number}")[2])
        if seen:  # one was pushed down by a new one
            assert rows[0]["id"] == seen.pop()
        seen += [row["id"] for row in rows]
    assert seen == [facts.id for facts in shown] and len(seen) > PER_PAGE


def test_an_item_shows_what_the_market_has(old: Site) -> None:
    market = old.market
    by_id = {facts.id: facts for facts in market.facts}
    for category in CATEGORIES:
        for row in in_markup(old.correct_response(f"/moskva/{category.slug}")[2]):
            facts = by_id[row["id"]]
            assert CATEGORIES[facts.shown] == category
            text = market.text(facts.index)
            assert (row["title"], row["text"]) == (text.title, text.body)
            assert row["price"] == ("" if facts.price is None else str(facts.price))
            assert row["photo"] == ("" if facts.photo == "none" else f"/image/{facts.id}.jpg")
            assert row["date"] == in_words(facts.listed, market.now)
            assert facts.seller in row["seller"] and f"/{category.slug}/" in row["where"]


def test_the_new_layout_has_the_same_listings(old: Site, new: Site) -> None:
    for category in CATEGORIES:
        path = f"/moskva/{category.slug}"
        page = new.correct_response(path)[2]
        assert not in_markup(page)
        assert in_json(page, new.market) == in_markup(old.correct_response(path)[2])
        assert new.respond(path) == new.respond(path)


def test_adverts_are_among_the_listings(new: Site) -> None:
    among = [entry for entry in entries(new.respond(f"/moskva/{SLUG}").body) if "id" not in entry]
    assert [entry["type"] for entry in among] == ["banner", "vip-widget"]


def test_every_size_of_a_photo_is_there(new: Site) -> None:
    page = new.correct_response(f"/moskva/{SLUG}")[2]
    image = next(entry["images"][0] for entry in entries(page) if entry.get("images"))
    assert len(set(image.values())) == len(image) == 4
    answers = [new.correct_response(path) for path in image.values()]
    assert answers[0][0] == 200 and all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("layout", ["old", "new"])
def test_a_page_beyond_the_last_is_an_empty_search(
    layout: str, request: pytest.FixtureRequest
) -> None:
    site: Site = request.getfixturevalue(layout)
    count = sum(facts.shown == 0 for facts in site.market.facts)
    last = -(-count // PER_PAGE)
    for path in (f"/moskva/{SLUG}?p={last + 1}", NOWHERE):
        status, _, page = site.correct_response(path)[:3]
        tree = html.fromstring(page.decode())
        serp = tree.xpath('//*[@data-marker="catalog-serp"]')
        assert status == 200 and len(serp) == 1 and not len(serp[0])
        assert "Ничего не найдено" in tree.text_content()
        assert tree.xpath('string(//*[@data-marker="page-title/count"])') == str(count)
        assert layout == "old" or entries(page) == []
    assert b"nextPage" in site.correct_response(f"/moskva/{SLUG}?p={last - 1}")[2]
    assert b"nextPage" not in site.correct_response(f"/moskva/{SLUG}?p={last}")[2]


@pytest.mark.parametrize(
    ("count", "shown"), [(0, []), (1, [1]), (50, [50]), (51, [50, 2]), (100, [50, 51])]
)
def test_a_category_has_as_many_pages_as_it_needs(count: int, shown: list[int], old: Site) -> None:
    listings = old.market.facts[:count]
    for number, size in enumerate([*shown, 0, 0], start=1):
        page = search_page(CATEGORIES[0], number, listings)
        assert (len(page.shown), page.total) == (size, count)


def test_counts_are_shown_in_thousands(large_market: Market) -> None:
    page = Site(large_market, "").correct_response(NOWHERE)[2].decode()
    count = sum(facts.shown == 0 for facts in large_market.facts)
    told = html.fromstring(page).xpath('string(//*[@data-marker="page-title/count"])')
    assert int(re.sub(r"\s", "", told)) == count
    assert "\xa0" in told or count < 1000


def test_every_page_says_where_it_ends(old: Site, new: Site) -> None:
    for path in (f"/moskva/{SLUG}", NOWHERE, "/nowhere", "/moskva/nowhere"):
        for at in (old, new):
            assert at.correct_response(path)[2].endswith(b"</html>")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/moskva/{SLUG}?p=0", 200),
        (f"/moskva/{SLUG}?p=x", 200),
        (f"/moskva/{SLUG}?p={'9' * 5000}", 200),
        ("/image/4000000001.jpg", 404),
        ("/image/3999999963.jpg", 404),
        (f"/image/{'9' * 5000}.jpg", 404),
        ("//[", 404),
        ("", 404),
        ("/robots.txt", 200),
    ],
)
def test_odd_paths_are_answered(path: str, status: int, old: Site) -> None:
    assert old.respond(path).status == status
    if "?" in path:
        assert old.respond(path) == old.respond(f"/moskva/{SLUG}")


def test_faults_occur_at_their_rates_and_at_the_same_paths(large_market: Market) -> None:
    shares = dict(zip(TRANSIENT, (0.1, 0.05, 0.2, 0.1, 0.02, 0.15, 0.08, 0.3), strict=True))
    faults = large_market.settings.faults.model_copy(update=shares)
    paths = [f"/moskva/{n}" for n in range(20_000)]
    struck = [draw_fault(faults, 7, path, TRANSIENT) for path in paths]
    counts = Counter(struck)
    assert sum(shares.values()) == pytest.approx(1) and set(counts) == set(shares)
    for name, share in shares.items():
        assert counts[name] / len(paths) == pytest.approx(share, abs=0.012), name
    assert struck == [draw_fault(faults, 7, path, TRANSIENT) for path in paths]
    assert struck != [draw_fault(faults, 8, path, TRANSIENT) for path in paths]


def test_photos_have_the_faults_of_connections_only(large_market: Market) -> None:
    at = site(large_market, **{name: 1 / len(TRANSIENT) for name in TRANSIENT})
    pages = Counter(at.fault(f"/moskva/{SLUG}?p={n}") for n in range(2, 1000))
    photos = Counter(at.fault(f"/image/{facts.id}.jpg") for facts in at.market.facts)
    assert set(pages) == set(TRANSIENT)
    assert set(photos) == {*ANYWHERE, None}
    assert 1 - photos[None] / 700 == pytest.approx(3 / 8, abs=0.06)
    first = {at.fault(f"/moskva/{SLUG}?p=1&again={n}") for n in range(1000)}
    assert first == {*TRANSIENT, None} - {"repeated"}
    assert at.fault("/robots.txt") is None and at.fault("/nowhere") is None


def test_pages_are_relaid_at_their_rate_and_for_good(large_market: Market) -> None:
    at = site(large_market, relaid=0.25)
    paths = [f"/moskva/{category.slug}?p={n}" for category in CATEGORIES for n in range(1, 21)]
    relaid = [b"data-mfe-state" in at.respond(path).body for path in paths]
    assert sum(relaid) / len(paths) == pytest.approx(0.25, abs=0.06)
    assert relaid == [b"data-mfe-state" in at.respond(path).body for path in paths]
