"""Listings in the embedded data of a page: those of a search, or the one of an item's page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from src.collect.pages import fields
from src.collect.pages.dates import timestamp_date
from src.collect.pages.draft import Draft
from src.collect.pages.embedded import lookup
from src.collect.pages.markup import NO_ID
from src.collect.pages.page import FRAGMENT, RejectedItem

_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_SELLER_PARTS = ("userLogo", "seller", "iva")
_MAX_NODES = 500


def search_drafts(items: list[Any], url: str) -> Iterator[Draft | RejectedItem]:
    """Yield a draft of each item of a search, or why there is none; adverts are skipped."""
    for item in items:
        if not isinstance(item, dict):
            if item:
                yield RejectedItem("", "item is not an object", _fragment(item))
            continue
        listing_id = fields.parse_id(item.get("id"))
        if listing_id is not None:
            yield _draft(listing_id, item, url)
        elif item.get("title"):
            yield RejectedItem(fields.to_text(item.get("id"))[:100], NO_ID, _fragment(item))


def item_drafts(state: dict[str, Any], url: str) -> Iterator[Draft | RejectedItem]:
    """Yield a draft of the listing of an item's page."""
    places = (state, *(place for place in state.values() if isinstance(place, dict)))
    for place in places:
        for item in (lookup(place, "item", "item"), lookup(place, "buyerItem", "item")):
            if isinstance(item, dict):
                yield from search_drafts([item], url)
                return


def redirect_target(state: dict[str, Any]) -> str | None:
    """Return where the page's script redirects the browser instead of showing anything."""
    for place in (state.get("data"), lookup(state, "loaderData", "data")):
        if lookup(place, "redirected") is True:
            return fields.to_text(lookup(place, "url"))
    return None


def _draft(listing_id: str, item: dict[str, Any], url: str) -> Draft:
    draft = Draft(listing_id, fragment=lambda: _fragment(item))
    draft.set_title(item.get("title"))
    draft.text = fields.described(item.get("description"))
    draft.set_price(_price(item))
    draft.set_photos(url, _photos(item.get("imageUrls") or item.get("images")))
    draft.seller = _seller(item)
    stamp = item.get("sortTimeStamp", item.get("time"))
    draft.listed = timestamp_date(stamp)
    if stamp is not None:
        draft.shown["listed"] = fields.summary(stamp)
    links = (
        item.get("urlPath"),
        item.get("url"),
        lookup(item, "seo", "canonicalUrl"),
        lookup(item, "sharing", "native"),
    )
    draft.categories += [link for link in links if isinstance(link, str)]
    if slug := fields.parse_slug(lookup(item, "category", "slug")):
        draft.categories.append(slug)
    return draft


def _price(item: dict[str, Any]) -> object:
    price = item.get("priceDetailed", item.get("price"))
    if not isinstance(price, dict):
        return price
    return None if price.get("hasValue") is False else price.get("value")


def _photos(images: object) -> list[object]:
    """Return the largest size of each photo; a photo is a URL, or URLs by size."""
    photos = images if isinstance(images, list) else [images] if images else []
    return [_largest(photo) if isinstance(photo, dict) else photo for photo in photos]


def _largest(photo: dict[str, Any]) -> str | None:
    sizes = [size for size, url in photo.items() if isinstance(url, str)]
    return photo[max(sizes, key=_area)] if sizes else None


def _area(size: str) -> int:
    found = _SIZE.fullmatch(size)
    return int(found[1]) * int(found[2]) if found else 0


def _seller(item: dict[str, Any]) -> str | None:
    """Return the path of the seller's page, wherever in the seller's data it is, or an id."""
    nodes: list[object] = [item.get(name) for name in _SELLER_PARTS]
    for node in nodes:
        # Absolute URLs among them are those of logos.
        if isinstance(node, str) and node[:1] == "/" and (found := fields.seller_path(node)):
            return found
        if isinstance(node, dict | list) and len(nodes) < _MAX_NODES:
            nodes += node.values() if isinstance(node, dict) else node
    names = ("userHash", "userHashId", "id")
    for value in (item.get("sellerId"), *(lookup(item, "seller", name) for name in names)):
        if isinstance(value, int | str) and not isinstance(value, bool) and value:
            return fields.one_line(str(value))[:100]
    return None


def _fragment(item: object) -> str:
    try:
        return fields.to_text(json.dumps(item, ensure_ascii=False))[:FRAGMENT]
    except (ValueError, RecursionError):
        return ""
