"""Listings in a page's markup: single fields and single items."""

from __future__ import annotations

import pytest

from src.collect.pages.page import PageListing, Verdict
from src.collect.pages.read import read_page

URL = "http://127.0.0.1:1/moskva/telefony"


def item(number: str = "17", inside: str = "", description: str = "Работает") -> str:
    return (
        f'<div data-marker="item" data-item-id="{number}"><meta itemprop="description"'
        f' content="{description}"><a itemprop="url" href="/moskva/telefony/t_{number}">'
        f'<h3 itemprop="name">Телефон</h3></a>{inside}</div>'
    )


def listing_of(markup: str) -> PageListing:
    [listing] = read_page(markup.encode(), URL).listings
    return listing


def test_damaged_items_are_rejected_with_their_fragment() -> None:
    items = [item("1"), item(""), item("../../etc"), item("1" * 21), item("5"), "<div"]
    page = read_page("".join(items).encode(), URL)
    assert [listing.id for listing in page.listings] == ["1", "5"]
    assert [item.reason for item in page.rejected] == ["item without a usable id"] * 3
    assert [item.id for item in page.rejected] == ["", "../../etc", "1" * 21]
    assert all("Работает" in item.fragment for item in page.rejected)
    assert page.rejected[1].fragment.startswith('<div data-marker="item" data-item-id="../../etc">')


def test_an_item_inside_another_is_read_as_its_own() -> None:
    lost = item("1", '<meta itemprop="price" content="1">').removesuffix("</div>")
    page = read_page((lost + item("2", '<a href="/user/x/profile"></a>')).encode(), URL)
    first, second = page.listings
    assert (first.price, second.price) == (1, None)
    assert (first.seller, second.seller) == (None, "/user/x/profile")


def test_a_page_of_unreadable_items_is_an_unknown_layout() -> None:
    page = read_page((item("") + item("x")).encode(), URL)
    assert page.verdict == Verdict.UNKNOWN and len(page.rejected) == 2


def test_an_item_without_content_is_rejected() -> None:
    page = read_page(b'<div data-marker="item" data-item-id="1"></div>', URL)
    assert [item.reason for item in page.rejected] == ["neither title, text nor photo"]


def test_an_item_without_any_category_is_rejected() -> None:
    markup = '<div data-marker="item" data-item-id="1"><h3 itemprop="name">x</h3></div>'
    page = read_page(markup.encode(), "http://127.0.0.1:1/")
    assert not page.listings and page.rejected[0].reason == "no category in the URL"


@pytest.mark.parametrize(
    ("shown", "price"),
    [("4500", 4500), ("4 500", 4500), ("1\xa0199\xa0000 ₽", 1_199_000), ("0.5", 0.5), ("0", 0)],
)
def test_price(shown: str, price: float) -> None:
    assert listing_of(item(inside=f'<meta itemprop="price" content="{shown}">')).price == price
    assert listing_of(item(inside=f'<b itemprop="price">{shown}</b>')).price == price


@pytest.mark.parametrize("price", ["abc", "-5", "inf", "nan", "1e300", "", "9" * 5_000])
def test_a_price_that_cannot_be_read_is_noted(price: str) -> None:
    page = read_page(item(inside=f'<meta itemprop="price" content="{price}">').encode(), URL)
    assert page.listings[0].price is None
    assert [note.reason for note in page.noted] == ["price cannot be read"]


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:image/png;base64,x", "http://[x", "https:///x", "a" * 9_000],
)
def test_an_invalid_photo_url_is_noted(link: str) -> None:
    page = read_page(item(inside=f'<img itemprop="image" src="{link}">').encode(), URL)
    assert page.listings[0].photos == ()
    assert [note.reason for note in page.noted] == ["photo URL cannot be read"]


def test_photos_from_images_and_from_the_slider_in_their_largest_size() -> None:
    image = (
        '<img itemprop="image" src="/a/1.jpg" srcset="/a/1.jpg 208w,/b/1.jpg 636w,/c/1.jpg 99w">'
    )
    first = f'<li data-marker="slider-image/image-/a/1.jpg">{image}</li>'
    second = '<li data-marker="slider-image/image-//10.img.avito.st/2"></li>'
    here, there = "http://127.0.0.1:1/b/1.jpg", "http://10.img.avito.st/2"
    assert listing_of(item(inside=first + second)).photos == (here, there)
    assert listing_of(item(inside=second)).photos == (there,)
    assert listing_of(item(inside=image)).photos == (here,)
    assert listing_of(item()).photos == ()


def test_entities_in_the_text_stay_as_the_seller_typed_them() -> None:
    assert listing_of(item(description="a &amp;nbsp; b &lt;c&gt;")).text == "a &nbsp; b <c>"


def test_a_title_that_swallows_the_page_is_noted() -> None:
    markup = f'<div data-marker="item" data-item-id="1"><h3 itemprop="name">T {"x" * 900}</div>'
    page = read_page(f"{markup}<meta itemprop=description content=y>".encode(), URL)
    assert not page.listings and page.rejected
    inside = item().replace("Телефон", "т" * 900)
    page = read_page(inside.encode(), URL)
    assert page.listings[0].title == "" and page.listings[0].text == "Работает"
    assert [note.reason for note in page.noted] == ["title cannot be read"]


def test_titles_are_one_line_without_what_cannot_be_encoded() -> None:
    title = listing_of(item().replace("Телефон", " a\n\t<b>b</b>\0 &#xD800; \xa0c ")).title
    assert title == "a b\ufffd \ufffd c" and title.encode()


def test_the_first_of_two_items_with_the_same_id_counts() -> None:
    page = read_page((item("7") + item("7", description="x") + item("8")).encode(), URL)
    assert [(listing.id, listing.text) for listing in page.listings] == [
        ("7", "Работает"),
        ("8", "Работает"),
    ]
    assert page.noted == [("7", "listed twice on the page", "")]


@pytest.mark.parametrize(
    ("link", "seller"),
    [
        ('<a href="/brands/lavka?src=x">', "/brands/lavka"),
        ('<a href="https://www.avito.ru/user/ab12/profile?iid=1">', "/user/ab12/profile"),
        ('<a data-marker="item-user-logo-link" href="/shops/7?iid=1">', "/shops/7"),
        ('<a href="#login">', None),
        ('<a href="http://[user/">', None),
    ],
)
def test_the_seller_is_the_path_of_the_sellers_page(link: str, seller: str | None) -> None:
    assert listing_of(item(inside=f"{link}</a>")).seller == seller
