"""Made-up pages for tests of the reader, and ways to damage pages."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Sequence
from random import Random

NASTY = [
    b"\0" * 50,
    b"\xff\xfe\x98",
    b"<div>" * 3_000,
    b"</div>" * 300,
    b'<div data-marker="item" data-item-id="1">' * 300,
    b'{"a":[' * 3_000,
    b"9" * 6_000,
    b"NaN",
    b'\\ud800"',
    b"<!--",
    b"<![CDATA[",
    b"</script>",
    b"<script>",
    b"<table><tr><td><select><option>",
    b'"><',
    b"&#0;&#xD800;&#99999999;",
]
_LARGEST = 3_000_000


def data_item(listing_id: object = 17, **changes: object) -> dict[str, object]:
    """Return a listing as the data of newer pages have it."""
    return {
        "id": listing_id,
        "title": "Телефон",
        "description": "Работает",
        "priceDetailed": {"value": 4500, "string": "4 500"},
        "category": {"id": 84, "name": "Телефоны", "slug": "telefony"},
        "images": [
            {"208x156": "https://10.img.avito.st/s", "864x648": "https://10.img.avito.st/l"}
        ],
        "urlPath": f"/moskva/telefony/telefon_{listing_id}",
        "sortTimeStamp": 1_741_780_800_000,
        **changes,
    }


def data_page(items: object, inside: str = "", **search: object) -> bytes:
    """Return a search page of the newer layout: its listings are only in a script."""
    state = {
        "i18n": {"locale": "ru-RU"},
        "loaderData": {"data": {"catalog": {"items": items}, **search}},
    }
    return script_page(html.escape(json.dumps(state)), inside)


def script_page(script: str, inside: str = "") -> bytes:
    """Return a page around the text of a data script."""
    return (
        '<!doctype html><html><head><meta charset="utf-8"><title>Телефоны</title></head><body>'
        f'<h1 data-marker="page-title/text">Телефоны</h1>{inside}<div>'
        f'<script type="mime/invalid" data-mfe-state="true">{script}</script></div></body></html>'
    ).encode()


def mutate(page: bytes, random: Random) -> bytes:
    """Return the page with one to four kinds of damage, drawn from `random`."""
    damaged = bytearray(page)
    for damage in random.choices(_DAMAGE, k=random.randint(1, 4)):
        if damaged:
            damaged = damage(damaged, random)[:_LARGEST]
    return bytes(damaged)


def _flip(page: bytearray, random: Random) -> bytearray:
    for _ in range(random.choice([1, 10, 100, 1_000])):
        page[random.randrange(len(page))] = random.randrange(256)
    return page


def _cut_tags(page: bytearray, random: Random) -> bytearray:
    opening = random.choice([b"<", b"</", b"<div", b'<div data-marker="item"', b"<script"])
    for _ in range(random.choice([1, 5, 50])):
        start = page.find(opening, random.randrange(len(page) + 1))
        end = page.find(b">", start)
        if 0 <= start < end:
            del page[start : end + 1]
    return page


def _drop_byte(page: bytearray, random: Random) -> bytearray:
    byte = random.choice([b">", b'"', b"<", b"}", b"%", b"&"])
    for _ in range(random.choice([1, 5, 50])):
        start = page.find(byte, random.randrange(len(page) + 1))
        if start >= 0:
            del page[start]
    return page


def _cut_off(page: bytearray, random: Random) -> bytearray:
    return page[: random.randrange(len(page))]


def _drop_stretch(page: bytearray, random: Random) -> bytearray:
    start = random.randrange(len(page))
    del page[start : start + random.randrange(50_000)]
    return page


def _repeat_stretch(page: bytearray, random: Random) -> bytearray:
    start = random.randrange(len(page))
    stretch = page[start : start + random.randrange(50_000)]
    page[start:start] = stretch * random.randint(1, 10)
    return page


def _cut_data(page: bytearray, random: Random) -> bytearray:
    start = page.find(random.choice([b"data-mfe-state", b"__initialData__"]))
    end = page.find(b"</script", start)
    if 0 <= start < end:
        del page[random.randrange(start, end) : end]
    return page


def _other_charset(page: bytearray, random: Random) -> bytearray:
    charset = random.choice(["cp1251", "koi8-r", "utf-16", "cp1251", "latin-1"])
    start = random.choice([0, random.randrange(len(page))])
    end = random.choice([len(page), start + random.randrange(10_000)])
    page[start:end] = page[start:end].decode("utf-8", "replace").encode(charset, "replace")
    return page


def _insert(page: bytearray, random: Random) -> bytearray:
    for _ in range(random.choice([1, 3, 10])):
        start = random.randrange(len(page) + 1)
        page[start:start] = random.choice(NASTY)
    return page


def _other_values(page: bytearray, random: Random) -> bytearray:
    names = [b"data-item-id", b"itemprop", b"content", b"href", b"src", b"%22id%22", b"%22title%22"]
    value = random.choice(
        [b"1e999", b"-1", b"http://[", b"javascript:x", b"\xd0", b"", b"x" * 5_000]
    )
    pattern = re.escape(random.choice(names)) + rb"([\"'=:%0-9A-F]{1,9})[^\"'%,]{1,200}"
    return bytearray(re.sub(pattern, lambda found: found[0][:20] + value, bytes(page), count=100))


_DAMAGE: Sequence[Callable[[bytearray, Random], bytearray]] = [
    _flip,
    _cut_tags,
    _drop_byte,
    _cut_off,
    _drop_stretch,
    _repeat_stretch,
    _cut_data,
    _other_charset,
    _insert,
    _other_values,
]
