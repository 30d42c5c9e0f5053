"""What a page without listings is: never simply empty."""

from __future__ import annotations

import pytest

from src.collect.pages.page import Verdict
from src.collect.pages.read import read_page
from tests.collect.mutations import data_item, data_page

URL = "https://www.avito.ru/moskva/telefony"
_SEARCH = '<h1 data-marker="page-title/text">Телефоны</h1>'
_BLOCK = "<title>Доступ ограничен: проблема с IP</title><h2>Доступ ограничен: проблема с IP</h2>"


def page(inside: str) -> bytes:
    return f"<!doctype html><html><head></head><body>{inside}</body></html>".encode()


@pytest.mark.parametrize(
    "empty",
    [
        page(f'{_SEARCH}<span data-marker="page-title/count">0</span>'),
        page(f"{_SEARCH}<h2>Ничего не найдено в выбранной области поиска</h2>"),
        data_page([]),
        data_page([{"type": "banner"}], totalCount=0),
        page(f'{_SEARCH}<h2>Ничего не нашлось</h2><input name="captcha_token" type="hidden">'),
    ],
)
def test_a_search_that_says_it_has_none(empty: bytes) -> None:
    assert read_page(empty, URL).verdict == Verdict.EMPTY


@pytest.mark.parametrize(
    "blocked",
    [
        page(_BLOCK),
        page("<h2>Доступ с Вашего IP временно ограничен</h2>"),
        page('<div class="firewall-container"><h2>Внимание</h2></div>'),
        page("<title>Access denied</title>"),
        page('<script src="/__qrator/qauth.js"></script>'),
    ],
)
def test_a_block_page(blocked: bytes) -> None:
    assert read_page(blocked, URL).verdict == Verdict.BLOCKED


@pytest.mark.parametrize(
    "captcha",
    [
        page(f'{_BLOCK}<form class="js-firewall-form"><div class="h-captcha" data-sitekey="1">'),
        page(f'{_BLOCK}<div id="geetest_captcha"></div>'),
        page('<form action="/web/1/firewallCaptcha/verify"><input name="captcha"></form>'),
        page('<script src="https://www.google.com/recaptcha/api.js"></script>'),
        page('<iframe src="https://newassets.hcaptcha.com/captcha/v1/x"></iframe>'),
        page("<h1>Подтвердите, что вы не робот</h1>"),
    ],
)
def test_a_captcha(captcha: bytes) -> None:
    assert read_page(captcha, URL).verdict == Verdict.CAPTCHA


@pytest.mark.parametrize(
    "unknown",
    [
        page(""),
        page("<h2>Ничего не найдено</h2>"),
        page(_SEARCH),
        page(f'{_SEARCH}<span data-marker="page-title/count">12 345</span>'),
        data_page([], totalCount=12_345),
        page('<div data-marker="listing" data-id="1">Телефон</div>'),
        page("<p>Доступ к моей даче ограничен</p>"),
        b"",
        b" ",
        b"\0",
        b"{}",
        b"<!-- -->",
    ],
)
def test_anything_else_is_an_unknown_layout(unknown: bytes) -> None:
    read = read_page(unknown, URL)
    assert read.verdict == Verdict.UNKNOWN and not read.listings


def test_a_search_page_with_listings_may_load_a_captcha() -> None:
    script = '<script src="https://js.hcaptcha.com/1/api.js"></script><div data-sitekey="1"></div>'
    assert read_page(data_page([data_item()], script), URL).verdict == Verdict.LISTINGS


def test_a_seller_who_writes_about_blocks_and_captchas_changes_nothing() -> None:
    item = data_item("x", title="Доступ ограничен", description="captcha firewall")
    assert read_page(data_page([item]), URL).verdict == Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("shown", "total"),
    [
        ("12 345", 12_345),
        ("12\xa0345", 12_345),
        ("0", 0),
        ("много", None),
        ("", None),
        ("-1", None),
    ],
)
def test_the_total_is_what_the_search_says(shown: str, total: int | None) -> None:
    markup = f'{_SEARCH}<span data-marker="page-title/count">{shown}</span>'
    assert read_page(page(markup), URL).total == total
    assert read_page(data_page([], markup, totalCount=7), URL).total == (
        7 if total is None else total
    )
