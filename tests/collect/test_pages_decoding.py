"""Charsets that are declared, missing and wrong; pages that are incomplete."""

from __future__ import annotations

from random import Random

import pytest

from src.collect.pages.page import Page
from src.collect.pages.read import read_page

URL = "https://www.avito.ru/moskva/telefony"


def markup(charset: str | None = None) -> str:
    meta = f'<meta charset="{charset}">' if charset else ""
    return (
        f'<!doctype html><html><head>{meta}</head><body><div data-marker="item" data-item-id="1">'
        '<h3 itemprop="name">Телефон</h3><p itemprop="description">В хорошем состоянии — «да»</p>'
        "</div></body></html>"
    )


def title_of(page: bytes, charset: str | None = None) -> str:
    return read(page, charset).listings[0].title


def read(page: bytes, charset: str | None = None) -> Page:
    return read_page(page, URL, charset)


@pytest.mark.parametrize("meta", [None, "utf-8", "windows-1251", "nonsense", "utf-16"])
@pytest.mark.parametrize("header", [None, "utf-8", "windows-1251", "ISO-8859-1", "nonsense", "\0"])
@pytest.mark.parametrize("actual", ["utf-8", "utf-8-sig", "cp1251"])
def test_whatever_the_page_claims_it_is_decoded_to_cyrillic(
    meta: str | None, header: str | None, actual: str
) -> None:
    page = read(markup(meta).encode(actual), header)
    assert page.listings[0].title == "Телефон"
    assert page.listings[0].text == "В хорошем состоянии — «да»"
    assert page.damaged is None


def test_the_header_comes_before_the_page_where_both_are_possible() -> None:
    page = markup("windows-1251").replace("—", "-").replace("«да»", "да").encode("koi8-r")
    assert title_of(page, "koi8-r") == "Телефон"
    assert title_of(page) != "Телефон"
    assert title_of(markup("koi8-r").encode()) == "Телефон"


@pytest.mark.parametrize("charset", [None, "utf-8", "windows-1251"])
def test_a_few_invalid_bytes_are_marked(charset: str | None) -> None:
    broken = markup().replace("состоянии", "состо|нии").encode().replace(b"|", b"\xff")
    page = read(broken, charset)
    assert page.listings[0].text == "В хорошем состо\ufffdнии — «да»"
    assert page.listings[0].title == "Телефон" and page.damaged == "mis-encoded"


def test_a_replacement_character_of_the_page_itself_is_no_damage() -> None:
    page = read(markup().replace("состоянии", "состо\ufffdнии").encode())
    assert page.damaged is None and "\ufffd" in page.listings[0].text


def test_bytes_of_no_charset_are_mis_encoded() -> None:
    page = read(b"<html><body>" + Random(1).randbytes(5_000) + b"</body></html>")
    assert page.damaged == "mis-encoded"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_page_without_its_end_is_cut_off(share: float) -> None:
    page = markup().encode()
    assert read(page[: int(len(page) * share)]).damaged == "cut off"


def test_a_page_cut_inside_a_letter_is_cut_off() -> None:
    page = markup().encode()
    cut = page[: page.index("состоянии".encode()) + 1]
    assert read(cut).damaged == "cut off"
    assert title_of(cut) == "Телефон"


def test_an_empty_page_is_cut_off() -> None:
    assert read(b"").damaged == read(b" \r\n").damaged == "cut off"


@pytest.mark.parametrize(
    "after", ["", "\n\n", "<!-- saved -->", "<script>count()</script>\n", "x" * 9_000]
)
def test_what_follows_the_end_is_no_damage(after: str) -> None:
    assert read(markup().encode() + after.encode()).damaged is None
    assert read(markup().replace("</html>", "</HTML >").encode()).damaged is None


def test_what_is_not_an_html_page_has_no_end_to_miss() -> None:
    assert read(b'{"status": "ok"}').damaged is None
    assert read(b"<div>1</div>").damaged is None
