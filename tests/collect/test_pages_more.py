"""Pages that are no search pages: a listing's own page, and ads known by their address only."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest

from src.collect.pages.page import Page, PageListing, Verdict
from src.collect.pages.read import read_page

_ITEM_URL = "https://www.avito.ru/moskva/velosipedy/x_7552656346"
_FRONT_URL = "https://www.avito.ru/moskva"
_NOW = datetime(2025, 8, 13, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def item_page(shared_data: Path) -> bytes:
    return (shared_data / "avito_pages_more" / "2025-08-13_item_desktop.html").read_bytes()


@pytest.fixture(scope="module")
def saved_front_page(shared_data: Path) -> bytes:
    return (shared_data / "avito_pages_more" / "2021-06_front_page.html").read_bytes()


@pytest.fixture(scope="module")
def front_page(saved_front_page: bytes) -> bytes:
    """The page whose source the saved page shows."""
    shown = saved_front_page.decode().partition('<pre id="line1">')[2]
    return html.unescape(re.sub("<[^<>]*>", "", shown)).encode()


@pytest.fixture(scope="module")
def front(front_page: bytes) -> Page:
    return read_page(front_page, _FRONT_URL, now=_NOW)


def read_item(page: bytes) -> PageListing:
    found = read_page(page, _ITEM_URL, now=_NOW)
    assert found.verdict == Verdict.LISTINGS and found.damaged is None
    (listing,) = found.listings
    return listing


def without(page: bytes, *patterns: bytes) -> bytes:
    for pattern in patterns:
        page, count = re.subn(pattern, b"", page, flags=re.DOTALL)
        assert count, pattern
    return page


_STATE = rb'window\.__preloadedState__ = "[^"]*";'


def test_the_desktop_item_page_is_one_listing(item_page: bytes) -> None:
    listing = read_item(item_page)
    assert f"_{listing.id}".encode() in item_page and listing.category == "velosipedy"
    assert f">{listing.title}</h1>" in item_page.decode()
    shown = re.search(rb'itemprop="description">(.*?)</div>', item_page, re.DOTALL)
    assert shown is not None
    words = re.sub("<[^<>]*>", " ", html.unescape(shown[1].decode())).split()
    assert len(listing.text.split()) > 0.98 * len(words) and len(listing.text.splitlines()) > 20
    assert "<" not in listing.text and "&" not in listing.text
    price = re.search(rb'content="(\d+)" itemprop="price"', item_page)
    assert price and listing.price == float(price[1])
    assert listing.listed == "2025-07-30" and (listing.seller or "").startswith("/brands/")


def test_it_has_every_photo_of_the_item_page_in_the_largest_size(item_page: bytes) -> None:
    shown = item_page.count(b'data-marker="image-preview/item"')
    photos = read_item(item_page).photos
    assert len(photos) == shown == 9
    assert all(re.match(r"https://\d+\.img\.avito\.st/image/1/", photo) for photo in photos)
    assert all(f"1280x960%22%3A%22{quote(p, safe='')}".encode() in item_page for p in photos)


@pytest.mark.parametrize("charset", [None, "utf-8"])
def test_class_names_of_the_item_page_do_not_matter(item_page: bytes, charset: str | None) -> None:
    random = Random(3)
    renamed = re.sub(rb'(?<=class=)"[^"]*"', lambda _: b'"c%x"' % random.getrandbits(40), item_page)
    assert renamed != item_page
    assert read_page(renamed, _ITEM_URL, charset, _NOW).listings == [read_item(item_page)]


@pytest.mark.parametrize(
    "patterns",
    [
        (_STATE,),
        (_STATE, rb'data-marker="item-view/[^"]*"'),
        (_STATE, rb' itemprop="(?:name|description|price)"'),
        (_STATE, rb'<span[^>]*data-marker="item-view/item-id".*?</span>'),
        (_STATE, rb"<h1.*?</h1>"),
        (_STATE, rb'data-marker="image-preview/item"'),
        (rb"<h1.*?</h1>", rb'data-marker="item-view/[^"]*"', rb' itemprop="[^"]*"'),
        (rb'data-marker="[^"]*"', rb' itemprop="[^"]*"', rb"<(?:meta|link) [^>]*>"),
    ],
    ids=range(8),
)
def test_what_one_part_of_the_item_page_lacks_another_has(
    item_page: bytes, patterns: tuple[bytes, ...]
) -> None:
    whole, listing = read_item(item_page), read_item(without(item_page, *patterns))
    assert (listing.id, listing.title, listing.price, listing.category) == (
        whole.id, whole.title, whole.price, whole.category
    )  # fmt: skip
    assert len(listing.text.split()) > 0.95 * len(whole.text.split())
    assert listing.photos


def test_a_broken_state_of_the_item_page_is_told_and_costs_nothing_else(item_page: bytes) -> None:
    start = item_page.index(b"__preloadedState__") + 30_000
    page = read_page(item_page[:start] + item_page[start + 5_001 :], _ITEM_URL, now=_NOW)
    (listing,) = page.listings
    assert listing.title == read_item(item_page).title and len(listing.photos) == 9
    assert [item.reason for item in page.rejected] == ["embedded JSON cannot be read"]


def test_recommended_ads_on_an_item_page_are_not_taken(item_page: bytes) -> None:
    other = (
        '<div data-marker="item" data-item-id="77"><h3 itemprop="name">Чужое</h3></div>'
        '<div id="i7654321"><a href="/moskva/igry/chuzhoe_7654321">Чужое</a></div>'
    ).encode()
    page = item_page.replace(b"</body>", other + b"</body>")
    assert page != item_page and read_item(page) == read_item(item_page)


def test_a_recommended_ad_does_not_lend_its_price() -> None:
    page = (
        '<html><h1 data-marker="item-view/title-info">Стул</h1><div data-marker="item"'
        ' data-item-id="77"><meta itemprop="price" content="5"></div></html>'
    ).encode()
    (listing,) = read_page(page, "https://www.avito.ru/moskva/mebel/stul_7654321").listings
    assert (listing.id, listing.title, listing.price) == ("7654321", "Стул", None)


def test_an_item_page_without_any_id_is_rejected() -> None:
    page = b'<html><h1 data-marker="item-view/title-info">x</h1></html>'
    found = read_page(page, "https://www.avito.ru/moskva")
    assert found.verdict == Verdict.UNKNOWN and not found.listings
    assert [item.reason for item in found.rejected] == ["page of a listing without its id"]


def test_the_saved_source_of_the_front_page_is_read_as_the_page(
    saved_front_page: bytes, front: Page
) -> None:
    saved = read_page(saved_front_page, _FRONT_URL, now=_NOW)
    assert saved.listings == front.listings and len(front.listings) == 53


def test_the_front_page_has_53_listings_of_20_categories(front_page: bytes, front: Page) -> None:
    assert front.verdict == Verdict.LISTINGS and not front.rejected and not front.noted
    text = front_page.decode()
    addresses = set(re.findall(r'href="/moskva/([a-z_]+)/[^"/]+_(\d{6,})"', text))
    assert {(listing.category, listing.id) for listing in front.listings} == addresses
    assert len({listing.category for listing in front.listings}) == 20
    shown = [html.unescape(alt) for alt in re.findall(r'<img [^>]*alt="([^"]+)"', text)]
    assert sum(listing.title in shown for listing in front.listings) >= 52
    assert sum(len(listing.photos) == 1 for listing in front.listings) == 52
    assert all(".img.avito.st/" in photo for ad in front.listings for photo in ad.photos)
    prices = Counter(int(re.sub(r"\s", "", p)) for p in re.findall(r"([\d\s]+?) руб\.", text))
    assert not Counter(int(ad.price) for ad in front.listings if ad.price) - prices
    assert sum(ad.price is not None for ad in front.listings) == 47
    assert sum(ad.listed == "2025-08-13" for ad in front.listings) == 50


def test_class_names_of_the_front_page_do_not_matter(front_page: bytes, front: Page) -> None:
    random = Random(3)
    renamed = re.sub(
        rb'class="[^"]*"', lambda _: b'class="c%x"' % random.getrandbits(40), front_page
    )
    assert read_page(renamed, _FRONT_URL, now=_NOW).listings == front.listings


_BLOCK = re.compile(rb'(?=<div [^>]*\bid="i\d{6,}")')


def _without_block_id(item: bytes) -> bytes:
    return re.sub(rb' id="i\d+"', b"", item, count=1)


def _without_address(item: bytes) -> bytes:
    return re.sub(rb'href="/moskva/[^"]*_\d{6,}"', b"", item)


def _without_title(item: bytes) -> bytes:
    return re.sub(rb"<h3.*?</h3>", b"", item, count=1, flags=re.DOTALL)


def _without_end_tags(item: bytes) -> bytes:
    return re.sub(rb"</(?:div|a|p|span|h3)>", b"", item)


@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        (_without_block_id, True),
        (_without_address, False),
        (_without_title, True),
        (_without_end_tags, True),
    ],
)
def test_every_second_ad_of_the_front_page_damaged_costs_no_other(
    front_page: bytes, front: Page, damage: Callable[[bytes], bytes], kept: bool, odd: int
) -> None:
    before, *blocks = _BLOCK.split(front_page)
    last, promoted = blocks[-1].split(b'<div class="catalog-promo">')
    blocks[-1] = last
    damaged = [damage(block) if at % 2 == odd else block for at, block in enumerate(blocks)]
    assert len(blocks) == 50 and damaged != blocks
    rest = b'<div class="catalog-promo">' + promoted
    page = read_page(b"".join([before, *damaged, rest]), _FRONT_URL, now=_NOW)
    read = {listing.id: listing for listing in page.listings}
    hit = {listing.id for at, listing in enumerate(front.listings[:50]) if at % 2 == odd}
    sound = [listing for listing in front.listings if listing.id not in hit]
    assert [read.get(listing.id) for listing in sound] == sound
    lost = {item.id for item in page.rejected}
    # One ad has no photo: without its title nothing is left of it.
    assert len(lost) == (25 if not kept else 1 if damage is _without_title and odd else 0)
    assert lost <= hit and len(read) + len(lost) == 53
    assert {item.reason for item in page.rejected} <= {"no category in the URL"}
    assert all(ad.title == read[ad.id].title for ad in front.listings if ad.id in read)
    if damage in (_without_block_id, _without_title):
        assert all(ad.price == read[ad.id].price for ad in front.listings if ad.id in read)


def test_ads_by_address_are_not_read_where_items_are_marked() -> None:
    ad = '<div id="i7654321"><a href="/moskva/igry/igra_7654321">Игра</a></div>'
    marked = '<div data-marker="item" data-item-id="1"><h3 itemprop="name">Стол</h3></div>'
    url = "https://www.avito.ru/moskva/mebel"
    page = read_page(f"<html>{ad}{marked}</html>".encode(), url)
    assert [listing.id for listing in page.listings] == ["1"]
    nothing = '<div data-marker="catalog-serp"></div><h2>Ничего не найдено</h2>'
    empty = read_page(f"<html>{nothing}{ad}</html>".encode(), url)
    assert empty.verdict == Verdict.EMPTY and not empty.listings
    page = read_page(f"<html>{ad}</html>".encode(), _FRONT_URL)
    assert [(ad.id, ad.title, ad.category) for ad in page.listings] == [("7654321", "Игра", "igry")]


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/moskva/igry/igra_7654321", "//evil.example/moskva/igry/igra_7654321",
     "/favorites/add/7654321", "/info/usluga?itemId=7654321", "/moskva/igry", "/user/a/b_1234567x"],
)  # fmt: skip
def test_links_that_are_no_ads_of_the_site(link: str) -> None:
    page = read_page(f'<html><a href="{link}">Игра</a></html>'.encode(), _FRONT_URL)
    assert not page.listings


@pytest.mark.parametrize(
    ("shown", "price", "listed"),
    [
        ("<p>17 000 руб.</p><p>Сегодня 21:00</p>", 17_000, "2025-08-13"),
        ("<p>1\u00a0500 ₽</p><p>12 марта 14:05</p>", 1_500, "2025-03-12"),
        ("<p>500 р.</p><p>Улица 8 марта</p>", 500, None),
        ("<p>Цена не указана</p>", None, None),
        ("<p>Договорная, 2 комнаты</p>", None, None),
    ],
)
def test_price_and_date_of_an_ad_without_marks(
    shown: str, price: float | None, listed: str | None
) -> None:
    ad = f'<div id="i7654321"><a href="/moskva/igry/igra_7654321">Игра 100 руб.</a>{shown}</div>'
    (listing,) = read_page(f"<html>{ad}</html>".encode(), _FRONT_URL, now=_NOW).listings
    assert (listing.title, listing.price, listing.listed) == ("Игра 100 руб.", price, listed)


@pytest.mark.parametrize("name", ["buyerItem", "item"])
def test_data_of_an_item_page_wherever_they_are(name: str) -> None:
    item = {
        "id": 7654321, "title": "Игра", "description": "<p>Новая<br />в&nbsp;плёнке</p><p>Торг</p>",
        "price": 100, "images": [1, 2], "imageUrls": [{"75x55": "//i/s", "1280x960": "//i/l"}],
        "url": "/moskva/igry/igra_7654321",
    }  # fmt: skip
    state = quote(json.dumps({"@avito/view": {name: {"item": item}}}))
    page = f'<html><script>window.__preloadedState__ = "{state}";</script></html>'.encode()
    (listing,) = read_page(page, _FRONT_URL).listings
    assert listing == PageListing(
        "7654321", "Игра", "Новая\nв плёнке\n\nТорг", 100, "igry", ("https://i/l",), None, None
    )
