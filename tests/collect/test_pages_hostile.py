"""Rubbish, mutated and very large pages: nothing is raised, and nothing takes long."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_pages import as_data
from src.collect.pages.page import FRAGMENT, Page, Verdict
from src.collect.pages.read import FAILED, read_page
from tests.collect.mutations import NASTY, data_item, data_page, mutate, script_page

URL = "https://www.avito.ru/moskva/telefony"
_NOW = datetime(2025, 5, 23, 12, tzinfo=UTC)
_MUTATED = 150


@pytest.fixture(scope="module")
def saved(shared_data: Path) -> list[bytes]:
    pages = [path.read_bytes() for path in sorted(shared_data.glob("avito_pages*/*.html"))]
    return [*pages, *(as_data(page) for page in map(read, pages) if page.listings)]


def read(page: bytes, url: str = URL, charset: str | None = None) -> Page:
    """Read a page and check what is true of every page."""
    found = read_page(page, url, charset, _NOW)
    assert not any(item.reason.startswith(FAILED) for item in found.rejected), found.rejected
    assert (found.verdict == Verdict.LISTINGS) == bool(found.listings)
    assert found.damaged in (None, "cut off", "mis-encoded")
    assert len({listing.id for listing in found.listings}) == len(found.listings)
    for listing in found.listings:
        assert re.fullmatch("[0-9]{1,20}", listing.id)
        assert all(photo.startswith(("http://", "https://")) for photo in listing.photos)
        assert listing.price is None or 0 <= listing.price <= 1e12
        assert listing.listed is None or datetime.fromisoformat(listing.listed)
    assert all(len(item.fragment) <= FRAGMENT for item in found.rejected)
    repr([*found.listings, *found.rejected, *found.noted]).encode()
    for listing in found.listings:
        "".join([listing.title, listing.text, *listing.photos, listing.seller or ""]).encode()
    return found


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=400), st.text(max_size=60), st.none() | st.text(max_size=20))
@example(b'<meta charset="idna"><p data-marker="item">', "http://[", None)
@example(b'<p data-marker="item" data-item-id="1"><b itemprop="name">x', "http://[\ud800/a/b", "\0")
def test_rubbish(page: bytes, url: str, charset: str | None) -> None:
    read(page, url, charset)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from([*data_item(), "seller", "iva"]), _JSON))
def test_data_of_any_shape(changes: dict[str, object]) -> None:
    page = read(data_page([{**data_item(), **changes}, data_item(2)]))
    assert page.listings[-1].id == "2"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_small_mutations(data: st.DataObject) -> None:
    page = bytearray(data_page([data_item(1), data_item(2)]))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(page) - 1))
        page[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=12))
    read(bytes(page))


def test_mutated_real_pages(saved: list[bytes]) -> None:
    listings = 0
    for number in range(_MUTATED):
        random = Random(number)
        page = mutate(saved[number % len(saved)], random)
        start = time.perf_counter()
        listings += len(read(page, charset=random.choice([None, "utf-8", "windows-1251"])).listings)
        assert time.perf_counter() - start < 10, number
    assert listings > 10 * _MUTATED


@pytest.mark.parametrize("nasty", NASTY)
def test_rubbish_between_two_items(nasty: bytes) -> None:
    item = b'<div data-marker="item" data-item-id="%d"><h3 itemprop="name">x</h3></div>'
    page = read(item % 1 + nasty + item % 2)
    assert page.listings[0].id == "1"


@pytest.mark.parametrize(
    "page",
    [
        b"<div>" * 4_000_000,
        b"<p " + b" ".join(b"a%d=1" % number for number in range(500_000)) + b">",
        b'<div data-marker="item" data-item-id="1"><h1 itemprop="name">' * 100_000,
        b'<p data-marker="item" title="' + b"x" * 20_000_000 + b'">',
        b"<" * 10_000_000,
        b"\0" * 20_000_000,
        b"<p>" + b"\xcf\xf0" * 10_000_000,
        script_page("9" * 20_000_000),
        script_page('{"catalog": {"items": [' + "9" * 10_000_000),
        script_page("&quot;" * 2_000_000),
        b'<script>__initialData__ = "' + b"%7B" * 1_000_000,
    ],
    ids=range(11),
)
def test_large_rubbish_takes_seconds_at_most(page: bytes) -> None:
    start = time.perf_counter()
    read(page)
    assert time.perf_counter() - start < 60


@pytest.mark.parametrize("data", [False, True])
def test_a_hundred_thousand_items(data: bool) -> None:
    item = '<div data-marker="item" data-item-id="{}"><h3 itemprop="name">Телефон</h3></div>'
    page = "".join(item.format(number) for number in range(100_000)).encode()
    if data:
        page = data_page([{"id": number, "title": "Телефон"} for number in range(100_000)])
    assert len(read(page).listings) == 100_000


def test_long_numbers_and_lone_surrogates_cost_no_item() -> None:
    state = json.dumps({"catalog": {"items": [data_item(1), data_item(2)]}})
    odd = state.replace("4500", "9" * 6_000, 1).replace("Телефон", "x")
    odd = odd.replace('"title": "', '"title": "\\ud800 ', 1)
    page = read(script_page(odd))
    assert [listing.id for listing in page.listings] == ["1", "2"]
    assert page.listings[0].price is None and "\ufffd" in page.listings[0].title
    assert [note.reason for note in page.noted] == ["price cannot be read"]
