"""The data that scripts of a page hold as JSON, or as much of it as is intact."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from src.collect.pages.fields import to_text
from src.collect.pages.page import FRAGMENT, RejectedItem
from src.collect.pages.scan import INITIAL, Scan

_VALUE = re.compile(rf'(?:{"|".join(INITIAL)})\s*=\s*"([^"]*)')
_LIST = re.compile(r'"items"\s*:\s*\[\s*')
_BETWEEN = re.compile(r"[\s,]*")
_MAX_DIGITS = 40
_MAX_DEPTH = 8


class SearchResults(NamedTuple):
    """The items of a search, and how many listings the search says it has."""

    items: list[Any]
    total: object


def embedded_states(scan: Scan) -> Iterator[dict[str, Any] | RejectedItem]:
    """Yield the data of each script that holds some, or why they cannot be read."""
    texts = [_unescaped(text) for text in scan.states]
    texts += [unquote(value[1]) for text in scan.initial if (value := _VALUE.search(text))]
    for text in filter(None, texts):
        try:
            state = _DECODER.decode(text)
        except (ValueError, RecursionError):
            items, rest = _intact_items(text)
            yield {"catalog": {"items": items}}
            yield RejectedItem("", "embedded JSON cannot be read", to_text(rest))
        else:
            yield state if isinstance(state, dict) else {}


def search_results(state: dict[str, Any]) -> SearchResults | None:
    """Find the results of a search, wherever `catalog.items` is in the state."""
    level = [state]
    for _ in range(_MAX_DEPTH):
        for place in level:
            found = place.get("catalog")
            if isinstance(found, dict) and isinstance(found.get("items"), list):
                totals = (
                    holder.get(name)
                    for holder in (place, found)
                    for name in ("totalCount", "mainCount", "count", "total")
                )
                total = next((n for n in totals if n is not None), None)
                return SearchResults(found["items"], total)
        level = [inner for place in level for inner in place.values() if isinstance(inner, dict)]
    return None


def lookup(value: object, *names: str) -> Any:
    """Return what nested objects hold under these names, or None."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _parse_int(digits: str) -> float:
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf


# Python refuses to parse very long integers, which would cost the whole page.
_DECODER = json.JSONDecoder(parse_int=_parse_int, strict=False)


def _unescaped(text: str) -> str:
    """Undo the site's escaping of quotes; in plain JSON `&quot;` is the seller's own."""
    text = text.strip()
    return text if re.match(r'\{\s*["}]', text) else html.unescape(text)


def _intact_items(text: str) -> tuple[list[Any], str]:
    """Return the items of a broken list that precede the damage, and the text from there on."""
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
