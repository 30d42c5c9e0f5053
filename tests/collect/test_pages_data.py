"""Listings in the data of a page's scripts, alone and together with markup."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from src.collect.pages.page import Page, PageListing, Verdict
from src.collect.pages.read import read_page
from tests.collect.mutations import data_item, data_page, script_page

URL = "https://www.avito.ru/moskva/telefony"


def read(*items: object, inside: str = "", url: str = URL, **search: object) -> Page:
    return read_page(data_page(list(items), inside, **search), url)


def test_a_listing_of_the_newer_pages() -> None:
    page = read(data_item(17), totalCount=1234)
    assert page.listings == [
        PageListing(
            id="17",
            title="Телефон",
            text="Работает",
            price=4500,
            category="telefony",
            photos=("https://10.img.avito.st/l",),
            seller=None,
            listed="2025-03-12",
        )
    ]
    assert page.verdict == Verdict.LISTINGS and page.total == 1234 and page.damaged is None
    assert not page.rejected and not page.noted


@pytest.mark.parametrize("path", [("data",), ("state", "data"), ("a", "b", "c"), ()])
def test_the_list_is_found_wherever_it_is(path: tuple[str, ...]) -> None:
    state: dict[str, Any] = {"catalog": {"items": [data_item()]}}
    for name in path:
        state = {"other": [], name: state}
    assert read_page(script_page(json.dumps(state)), URL).listings[0].id == "17"
    initial = f'<script>window.__initialData__ = "{quote(json.dumps(state))}";</script>'
    assert read_page(initial.encode(), URL).listings[0].id == "17"


def test_quotes_of_the_seller_stay_whether_the_data_are_escaped_or_not() -> None:
    item = data_item(description='&quot;новый" &amp; целый')
    assert read(item).listings[0].text == '&quot;новый" &amp; целый'
    plain = json.dumps({"data": {"catalog": {"items": [item]}}}, ensure_ascii=False)
    assert read_page(script_page(plain), URL).listings[0].text == '&quot;новый" &amp; целый'


def test_adverts_are_skipped_and_what_was_a_listing_is_rejected() -> None:
    page = read({"type": "banner"}, None, {"id": None}, data_item(1), "x", data_item("12a"), [1])
    assert [listing.id for listing in page.listings] == ["1"]
    assert [(item.id, item.reason) for item in page.rejected] == [
        ("", "item is not an object"),
        ("12a", "item without a usable id"),
        ("", "item is not an object"),
    ]
    assert '"Телефон"' in page.rejected[1].fragment


@pytest.mark.parametrize("number", [None, True, 1.5, -4, {}, [], "", "9" * 21, 10**50, "x"])
def test_what_is_not_an_id(number: object) -> None:
    page = read(data_item(number), data_item(2))
    assert [listing.id for listing in page.listings] == ["2"] and len(page.rejected) == 1


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("priceDetailed", {"value": "дорого"}, "price cannot be read"),
        ("priceDetailed", {"value": float("nan")}, "price cannot be read"),
        ("priceDetailed", {"value": float("inf")}, "price cannot be read"),
        ("priceDetailed", {"value": [1]}, "price cannot be read"),
        ("priceDetailed", [], "price cannot be read"),
        ("images", [{"208x156": 5}], "photo URL cannot be read"),
        ("images", {"208x156": "ftp://x/y"}, "photo URL cannot be read"),
        ("images", 7, "photo URL cannot be read"),
        ("sortTimeStamp", "вчера", "date cannot be read"),
        ("sortTimeStamp", 1e300, "date cannot be read"),
        ("sortTimeStamp", {}, "date cannot be read"),
        ("title", ["x"], "no title"),
        ("title", "x" * 1_000, "title cannot be read"),
    ],
)
def test_a_field_of_another_type_is_noted_and_the_item_stays(
    field: str, value: object, reason: str
) -> None:
    page = read(data_item(1, **{field: value}), data_item(2))
    assert [listing.id for listing in page.listings] == ["1", "2"]
    assert [(note.id, note.reason) for note in page.noted] == [("1", reason)]


@pytest.mark.parametrize("price", [None, {}, {"value": None}, {"value": 0, "hasValue": False}])
def test_a_price_that_is_not_shown_is_not_noted(price: object) -> None:
    page = read(data_item(priceDetailed=price))
    assert page.listings[0].price is None and not page.noted


def test_the_largest_size_of_each_photo() -> None:
    sizes = {"140x105": "//i/s", "1280x960": "//i/l", "640x480": "//i/m", "odd": "//i/o", "9x9": 3}
    photos = read(data_item(images=[sizes, "//i/plain", None, {}])).listings[0].photos
    assert photos == ("https://i/l", "https://i/plain")


def test_the_category_is_the_searchs_then_the_items_then_the_datas() -> None:
    item = data_item(urlPath="/tula/noutbuki/n_1", category={"slug": "igry"})
    assert read(item).listings[0].category == "telefony"
    bare = "https://www.avito.ru/tula?q=x"
    assert read(item, url=bare).listings[0].category == "noutbuki"
    assert read({**item, "urlPath": None}, url=bare).listings[0].category == "igry"
    page = read({**item, "urlPath": 1, "category": "igry"}, url=bare)
    assert [item.reason for item in page.rejected] == ["no category in the URL"]


@pytest.mark.parametrize(
    ("fields", "seller"),
    [
        ({"userLogo": {"link": "/brands/abc?x=1"}}, "/brands/abc"),
        (
            {"iva": {"UserInfoStep": [{"payload": {"link": "/user/1f/profile"}}]}},
            "/user/1f/profile",
        ),
        ({"seller": {"userHash": "1f", "logo": "https://i/user/logo/1.jpg"}}, "1f"),
        ({"sellerId": 12}, "12"),
        ({"seller": "x", "iva": 5}, None),
    ],
)
def test_the_seller_is_the_sellers_page_or_an_id(fields: dict[str, object], seller: str) -> None:
    assert read(data_item(**fields)).listings[0].seller == seller


def test_markup_counts_and_data_fill_its_gaps() -> None:
    markup = (
        '<div data-marker="item" data-item-id="1"><h3 itemprop="name">Из разметки</h3>'
        '<meta itemprop="price" content="?"><a href="/user/a/profile"></a></div>'
        '<div data-marker="item" data-item-id="3"><h3 itemprop="name">Третий</h3></div>'
    )
    page = read(data_item(1), data_item(2), data_item(2), inside=markup)
    assert [(listing.id, listing.title) for listing in page.listings] == [
        ("1", "Из разметки"),
        ("3", "Третий"),
        ("2", "Телефон"),
    ]
    first = page.listings[0]
    assert (first.text, first.price, first.listed) == ("Работает", 4500, "2025-03-12")
    assert first.photos == ("https://10.img.avito.st/l",) and first.seller == "/user/a/profile"
    assert page.noted == [("2", "listed twice on the page", "")]


def test_the_items_of_a_broken_list_before_the_damage_are_read() -> None:
    whole = data_page([data_item(number) for number in range(1, 30)])
    start = whole.index(b"telefon_20")
    broken = whole[:start] + whole[whole.index(b"</script>", start) :]
    page = read_page(broken, URL)
    assert [listing.id for listing in page.listings] == [str(number) for number in range(1, 20)]
    [item] = page.rejected
    assert item.reason == "embedded JSON cannot be read" and '"id": 20' in item.fragment


@pytest.mark.parametrize(
    "script",
    ["{", "[]", "5", '"x"', "null", '{"catalog": {"items": {}}}', '{"catalog": []}', "[" * 99_999]
    + ['{"a":' * 99_999, '{"catalog": {"items": [' + "[" * 99_999, '{"catalog": "items"'],
)
def test_data_of_another_shape_are_an_unknown_layout(script: str) -> None:
    assert read_page(script_page(script), URL).verdict == Verdict.UNKNOWN
