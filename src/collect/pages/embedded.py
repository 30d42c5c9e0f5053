"""The data that scripts of a page hold as JSON, whole or as much of it as there is."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from src.collect.pages.fields import clean
from src.collect.pages.page import FRAGMENT, Aside
from src.collect.pages.scan import INITIAL, Scan

BROKEN = "embedded JSON cannot be read"
_VALUE = re.compile(rf'{INITIAL}\s*=\s*"([^"]*)')
_LIST = re.compile(r'"items"\s*:\s*\[\s*')
_BETWEEN = re.compile(r"[\s,]*")
_LONGEST_NUMBER = 40
_DEEPEST = 8


class Catalog(NamedTuple):
    """A search's list, and how many listings the search says it has."""

    items: list[Any]
    total: object


def states(scan: Scan) -> Iterator[dict[str, Any] | Aside]:
    """The data of each script that holds some, or why it cannot be read."""
    texts = [_unescaped(text) for text in scan.states]
    texts += [unquote(value[1]) for text in scan.initial if (value := _VALUE.search(text))]
    for text in filter(None, texts):
        try:
            state = _DECODER.decode(text)
        except (ValueError, RecursionError):
            items, rest = _whole_items(text)
            yield {"catalog": {"items": items}}
            yield Aside("", BROKEN, clean(rest))
        else:
            yield state if isinstance(state, dict) else {}


def catalog(state: dict[str, Any]) -> Catalog | None:
    """The list of a search, wherever `catalog.items` stands in the state."""
    level = [state]
    for _ in range(_DEEPEST):
        for place in level:
            found = place.get("catalog")
            if isinstance(found, dict) and isinstance(found.get("items"), list):
                totals = (
                    holder.get(name)
                    for holder in (place, found)
                    for name in ("totalCount", "mainCount", "count", "total")
                )
                return Catalog(found["items"], next((n for n in totals if n is not None), None))
        level = [inner for place in level for inner in place.values() if isinstance(inner, dict)]
    return None


def at(place: object, *names: str) -> Any:
    """What stands in nested objects under these names, or None."""
    for name in names:
        place = place.get(name) if isinstance(place, dict) else None
    return place


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else math.inf


# Python refuses to convert very long integers, which would cost the page.
_DECODER = json.JSONDecoder(parse_int=_integer, strict=False)


def _unescaped(text: str) -> str:
    """The site writes JSON with quotes as `&quot;`; in JSON as it is, `&quot;` is a seller's."""
    text = text.strip()
    return text if re.match(r'\{\s*["}]', text) else html.unescape(text)


def _whole_items(text: str) -> tuple[list[Any], str]:
    """The items of a broken list that come before the damage, and the text from there on."""
    items: list[Any] = []
    search = text.find('"catalog"')
    begins = _LIST.search(text, search) if search >= 0 else None
    place = begins.end() if begins else 0
    while begins:
        try:
            item, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            return items, text[place : place + FRAGMENT]
        items.append(item)
        between = _BETWEEN.match(text, end)
        place = between.end() if between else end
    return items, text[:FRAGMENT]
