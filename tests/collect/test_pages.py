"""The reader on saved real pages, whole and damaged."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from benchmarks.fuzz_pages import as_data
from src.collect.pages.page import Page, Verdict
from src.collect.pages.read import read_page

URL = "https://www.avito.ru/moskva/telefony/mobilnye_telefony"
_ITEM = b'<div data-marker="item" '
_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


@pytest.fixture(scope="module")
def whole(real_page: bytes) -> Page:
    return read_page(real_page, URL)


@pytest.fixture(scope="module")
def item_page(shared_data: Path) -> bytes:
    return (shared_data / "avito_pages" / "2020-10-25_mobile_item.html").read_bytes()


@pytest.fixture(scope="module")
def no_items_page(shared_data: Path) -> bytes:
    return (shared_data / "avito_pages" / "2025-10-13_no_items.html").read_bytes()


def test_the_search_page_is_read_whole(real_page: bytes, whole: Page) -> None:
    listings = whole.listings
    assert whole.verdict == Verdict.LISTINGS and whole.damaged is None
    count = re.search(r'data-marker="page-title/count"[^>]*>([^<]+)<', real_page.decode())
    assert count and whole.total == int(re.sub(r"\D", "", count[1]))
    assert len(listings) == len({listing.id for listing in listings}) == 50
    assert all(listing.id.isdecimal() for listing in listings)
    assert sum(bool(_CYRILLIC.search(listing.title)) for listing in listings) == 50
    assert all(listing.text for listing in listings)
    assert all(listing.price and listing.price > 0 for listing in listings)
    assert sum(bool(listing.photos) for listing in listings) >= 48
    photos = [photo for listing in listings for photo in listing.photos]
    assert all(re.match(r"https://\d+\.img\.avito\.st/image/", photo) for photo in photos)
    assert {listing.category for listing in listings} == {"telefony"}
    assert sum((listing.seller or "").startswith("/brands/") for listing in listings) >= 20
    assert not whole.rejected and not whole.noted


def test_its_first_photo_has_the_largest_size(real_page: bytes, whole: Page) -> None:
    widest = re.search(rb'data-marker="item" .*?,(https://\S+) 636w', real_page, re.DOTALL)
    assert widest and whole.listings[0].photos[0] == widest[1].decode()


def test_its_dates_are_relative_to_when_it_was_fetched(real_page: bytes) -> None:
    page = read_page(real_page, URL, now=datetime(2025, 5, 23, 0, 30, tzinfo=UTC))
    assert {listing.listed for listing in page.listings} == {"2025-05-22"}


def test_the_category_comes_from_the_items_when_the_search_has_none(real_page: bytes) -> None:
    page = read_page(real_page, "https://www.avito.ru/moskva?q=iphone")
    assert {listing.category for listing in page.listings} == {"telefony"}


def test_class_names_do_not_matter(real_page: bytes, whole: Page) -> None:
    random = Random(3)
    renamed = re.sub(
        rb'(?<= class=)"[^"]+"', lambda _: b'"c%x"' % random.getrandbits(40), real_page
    )
    assert renamed != real_page
    assert read_page(renamed, URL) == whole


def _without_id(item: bytes) -> bytes:
    return re.sub(rb'data-item-id="\d+"', b"", item, count=1)


def _odd_id(item: bytes) -> bytes:
    return re.sub(rb'(data-item-id=")\d', rb"\1x", item, count=1)


def _without_name(item: bytes) -> bytes:
    return re.sub(rb'<h3[^>]*itemprop="name".*?</h3>', b"", item, count=1, flags=re.DOTALL)


def _without_end_tags(item: bytes) -> bytes:
    return re.sub(rb"</(?:div|a|p|span|ul|li|h3)>", b"", item)


def _without_quotes(item: bytes) -> bytes:
    return item.replace(b'data-item-id="', b'data-item-id="<').replace(b'itemprop="', b"itemprop")


@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        (_without_id, False),
        (_odd_id, False),
        (_without_quotes, False),
        (_without_name, True),
        (_without_end_tags, True),
    ],
)
def test_every_second_item_damaged_costs_no_other(
    real_page: bytes, whole: Page, damage: Callable[[bytes], bytes], kept: bool, odd: int
) -> None:
    before, *items = real_page.split(_ITEM)
    assert len(items) == 50
    damaged = [damage(item) if at % 2 == odd else item for at, item in enumerate(items)]
    page = read_page(_ITEM.join([before, *damaged]), URL)
    read = {listing.id: listing for listing in page.listings}
    sound = [listing for at, listing in enumerate(whole.listings) if at % 2 != odd]
    assert [read.get(listing.id) for listing in sound] == sound
    assert len(page.listings) == (50 if kept else 25)
    assert len(page.rejected) == (0 if kept else 25)
    if damage is _without_name:
        assert [note.reason for note in page.noted] == ["no title"] * 25
    assert all(0 < len(item.fragment) <= 2_000 for item in page.rejected)


def test_the_mobile_item_page_is_one_listing(item_page: bytes) -> None:
    page = read_page(item_page, "https://m.avito.ru/")
    assert page.verdict == Verdict.LISTINGS and page.damaged is None
    [listing] = page.listings
    assert _CYRILLIC.search(listing.title) and _CYRILLIC.search(listing.text)
    assert f"_{listing.id}?".encode() in item_page and listing.category == "avtomobili"
    assert listing.price and listing.price > 100_000
    assert listing.listed and listing.listed.startswith("2020-10-")
    assert len(listing.photos) == 40 and len(listing.text) > 1_000
    assert all(".img.avito.st/" in photo for photo in listing.photos)
    assert listing.seller and not page.rejected and not page.noted


def test_a_page_that_redirects_the_browser_is_not_taken_for_an_empty_one(
    no_items_page: bytes,
) -> None:
    page = read_page(no_items_page, "https://www.avito.ru/tula/kvartiry")
    assert page.verdict == Verdict.UNKNOWN and page.damaged is None
    assert not page.listings and not page.rejected and page.total is None
    [note] = page.noted
    assert note.reason == "the page only redirects the browser"
    assert note.detail.startswith("/") and note.detail.split("?")[0].encode() in no_items_page


def test_the_newer_layout_of_the_same_listings_gives_the_same(whole: Page) -> None:
    page = read_page(as_data(whole), URL)
    assert [(listing.id, listing.title, listing.text, listing.price, listing.photos)
            for listing in page.listings] == [
        (listing.id, listing.title, listing.text, listing.price, listing.photos)
        for listing in whole.listings
    ]  # fmt: skip
    assert not page.rejected and not page.noted
