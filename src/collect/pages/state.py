"""Listings in the data of a page: a search's list, or the one listing of an item's page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from src.collect.pages import fields
from src.collect.pages.dates import timestamp_date
from src.collect.pages.draft import Draft
from src.collect.pages.embedded import at
from src.collect.pages.markup import NO_ID
from src.collect.pages.page import FRAGMENT, Aside

_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_SELLER_PARTS = ("userLogo", "seller", "iva")
_MOST_NODES = 500


def listed(items: list[Any], address: str) -> Iterator[Draft | Aside]:
    """A draft of each item of a search's list, or why there is none; adverts are passed over."""
    for item in items:
        if not isinstance(item, dict):
            if item:
                yield Aside("", "item is not an object", _raw(item))
            continue
        number = fields.usable_id(item.get("id"))
        if number is not None:
            yield _draft(number, item, address)
        elif item.get("title"):
            yield Aside(fields.clean(item.get("id"))[:100], NO_ID, _raw(item))


def shown_item(state: dict[str, Any], address: str) -> Iterator[Draft | Aside]:
    """A draft of the listing that an item's page shows."""
    item = at(state, "item", "item")
    if isinstance(item, dict):
        yield from listed([item], address)


def redirect(state: dict[str, Any]) -> str | None:
    """Where the page's script sends the browser instead of showing anything."""
    for place in (state.get("data"), at(state, "loaderData", "data")):
        if at(place, "redirected") is True:
            return fields.clean(at(place, "url"))
    return None


def _draft(number: str, item: dict[str, Any], address: str) -> Draft:
    draft = Draft(number, raw=lambda: _raw(item))
    draft.set_title(item.get("title"))
    draft.text = fields.clean(item.get("description")).strip()
    draft.set_price(_price(item))
    draft.set_photos(address, _photos(item.get("images")))
    draft.seller = _seller(item)
    stamp = item.get("sortTimeStamp", item.get("time"))
    draft.listed = timestamp_date(stamp)
    if stamp is not None:
        draft.shown["listed"] = fields.told(stamp)
    links = (item.get("urlPath"), at(item, "seo", "canonicalUrl"), at(item, "sharing", "native"))
    draft.categories += [link for link in links if isinstance(link, str)]
    if slug := fields.slug(at(item, "category", "slug")):
        draft.categories.append(slug)
    return draft


def _price(item: dict[str, Any]) -> object:
    told = item.get("priceDetailed", item.get("price"))
    if not isinstance(told, dict):
        return told
    return None if told.get("hasValue") is False else told.get("value")


def _photos(images: object) -> list[object]:
    """The best size of each photo; a photo is an address, or addresses by size."""
    photos = images if isinstance(images, list) else [images] if images else []
    return [_largest(photo) if isinstance(photo, dict) else photo for photo in photos]


def _largest(photo: dict[str, Any]) -> str | None:
    sizes = [size for size, address in photo.items() if isinstance(address, str)]
    return photo[max(sizes, key=_area)] if sizes else None


def _area(size: str) -> int:
    found = _SIZE.fullmatch(size)
    return int(found[1]) * int(found[2]) if found else 0


def _seller(item: dict[str, Any]) -> str | None:
    """The path of the seller's page, wherever in the parts about sellers it stands, or an id."""
    nodes: list[object] = [item.get(name) for name in _SELLER_PARTS]
    for node in nodes:
        # Absolute addresses among them are of logos.
        if isinstance(node, str) and node[:1] == "/" and (found := fields.seller_page(node)):
            return found
        if isinstance(node, dict | list) and len(nodes) < _MOST_NODES:
            nodes += node.values() if isinstance(node, dict) else node
    ids = (item.get("sellerId"), *(at(item, "seller", n) for n in ("userHash", "userHashId", "id")))
    for shown in ids:
        if isinstance(shown, int | str) and not isinstance(shown, bool) and shown:
            return fields.one_line(str(shown))[:100]
    return None


def _raw(item: object) -> str:
    try:
        return fields.clean(json.dumps(item, ensure_ascii=False))[:FRAGMENT]
    except (ValueError, RecursionError):
        return ""
