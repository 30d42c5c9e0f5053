"""The parser: on the real page, on our own, on damaged ones, on rubbish."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.market import Market
from src.collect.demo.server import Site
from src.collect.pages import read_page

ADDRESS = "http://127.0.0.1:1/moskva/telefony"


def _item(number: str = "17", inside: str = "", description: str = "Работает") -> str:
    return (
        f'<div data-marker="item" data-item-id="{number}"><meta itemprop="description"'
        f' content="{description}"><a itemprop="url" href="/moskva/telefony/t_{number}">'
        f'<h3 itemprop="name">Телефон</h3></a>{inside}</div>'
    )


@pytest.fixture(scope="module")
def own_page(market: Market) -> bytes:
    site = Site(market, "")
    path = f"/moskva/{CATEGORIES[0].slug}"
    site.answer(path)  # a busy address answers the second time
    return site.answer(path)[2]


def test_the_real_page_is_read_whole(real_page: bytes) -> None:
    page = read_page(real_page, "https://www.avito.ru/moskva/telefony/mobilnye_telefony")
    listings = page.listings
    assert len(listings) == len({listing.id for listing in listings}) == 50
    assert all(listing.id.isdecimal() for listing in listings)
    titles = " ".join(listing.title for listing in listings)
    assert re.search("ГБ", titles) and "Ð" not in titles
    assert all(listing.title and listing.text for listing in listings)
    assert all(listing.price and listing.price > 0 for listing in listings)
    assert sum(listing.photo is not None for listing in listings) >= 48
    assert all(".img.avito.st/" in listing.photo for listing in listings if listing.photo)
    assert {listing.category for listing in listings} == {"telefony"}
    assert sum(listing.seller is not None for listing in listings) >= 20
    assert not page.rejected and not page.noted


def test_the_category_comes_from_the_item_when_the_search_has_none(real_page: bytes) -> None:
    page = read_page(real_page, "https://www.avito.ru/moskva?q=iphone")
    assert {listing.category for listing in page.listings} == {"telefony"}


def test_own_page_gives_what_the_market_has(own_page: bytes, market: Market) -> None:
    listings = {listing.id: listing for listing in read_page(own_page, ADDRESS).listings}
    shown = [facts for facts in market.facts if facts.shown == 0]
    assert list(listings) == [facts.id for facts in shown]
    for facts in shown:
        read, text = listings[facts.id], market.text(facts.index)
        assert read.title == " ".join(text.title.split())
        assert read.text == text.body.strip()
        assert read.price == facts.price
        assert (read.photo is not None) == (facts.photo != "none")
        assert read.seller and facts.seller in read.seller


def test_class_names_do_not_matter(own_page: bytes) -> None:
    renamed = re.sub(rb'class="[^"]*"', b'class="x"', own_page)
    bare = re.sub(rb' class="[^"]*"', b"", own_page)
    assert renamed != own_page
    assert read_page(renamed, ADDRESS) == read_page(bare, ADDRESS) == read_page(own_page, ADDRESS)


def test_damaged_items_are_set_aside_and_the_others_stay() -> None:
    items = [_item("1"), _item(""), _item("../../etc"), _item("1" * 21), _item("5"), "<div"]
    page = read_page("".join(items).encode(), ADDRESS)
    assert [listing.id for listing in page.listings] == ["1", "5"]
    assert [note.reason for note in page.rejected] == ["item without a usable id"] * 3


@pytest.mark.parametrize("price", ["abc", "-5", "inf", "nan", "1e300", ""])
def test_a_price_that_cannot_be_read_is_noted(price: str) -> None:
    page = read_page(_item(inside=f'<meta itemprop="price" content="{price}">').encode(), ADDRESS)
    assert page.listings[0].price is None
    assert [note.reason for note in page.noted] == ["price cannot be read"]


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:image/png;base64,x", "http://[x"])
def test_a_photo_address_that_is_none_is_noted(link: str) -> None:
    page = read_page(_item(inside=f'<img itemprop="image" src="{link}">').encode(), ADDRESS)
    assert page.listings[0].photo is None
    assert [note.reason for note in page.noted] == ["photo address cannot be read"]


def test_photo_from_image_or_from_the_lists_marker() -> None:
    image = '<img itemprop="image" src="/image/1.jpg">'
    marker = '<li data-marker="slider-image/image-https://10.img.avito.st/1"></li>'
    addresses = [
        read_page(_item(inside=inside).encode(), ADDRESS).listings[0].photo
        for inside in (image, marker, image + marker, "")
    ]
    here, there = "http://127.0.0.1:1/image/1.jpg", "https://10.img.avito.st/1"
    assert addresses == [here, there, here, None]


def test_an_item_without_any_category_is_set_aside() -> None:
    item = '<div data-marker="item" data-item-id="1"><h3 itemprop="name">x</h3></div>'
    page = read_page(item.encode(), "http://127.0.0.1:1/")
    assert not page.listings and page.rejected[0].reason == "no category in the address"


def test_entities_in_the_text_stay_as_the_seller_typed_them() -> None:
    page = read_page(_item(description="a &amp;nbsp; b &lt;c&gt;").encode(), ADDRESS)
    assert page.listings[0].text == "a &nbsp; b <c>"


def test_charset_declared_or_not() -> None:
    meta = '<meta charset="windows-1251">'
    assert read_page((meta + _item()).encode("cp1251"), ADDRESS).listings[0].title == "Телефон"
    assert read_page(_item().encode(), ADDRESS).listings[0].title == "Телефон"
    unknown = '<meta charset="nonsense">' + _item()
    assert read_page(unknown.encode(), ADDRESS).listings[0].title == "Телефон"


def test_a_page_without_items_is_empty() -> None:
    for page in (b"", b" ", b"\0", b"<html></html>", b"<!-- -->", b"{}"):
        assert not read_page(page, ADDRESS).listings


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.text(max_size=60))
@example(b'<meta charset="idna"><p data-marker="item">', "http://[")
def test_rubbish_never_raises(page: bytes, address: str) -> None:
    read_page(page, address)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_mutated_pages_never_raise(own_page: bytes, data: st.DataObject) -> None:
    page = bytearray(own_page[:8000])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(page) - 1))
        page[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=12))
    for listing in read_page(bytes(page), ADDRESS).listings:
        assert re.fullmatch("[0-9]{1,20}", listing.id)
        assert listing.photo is None or listing.photo.startswith(("http://", "https://"))
