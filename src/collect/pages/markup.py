"""Listings in a page's markup, by `data-marker` and `itemprop`: class names change weekly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from src.collect.pages import fields
from src.collect.pages.dates import shown_date
from src.collect.pages.draft import Draft
from src.collect.pages.page import FRAGMENT, Aside
from src.collect.pages.scan import Item

NO_ID = "item without a usable id"


def marked(items: Iterable[Item], address: str, now: datetime | None) -> Iterator[Draft | Aside]:
    """A draft of each item of a page found at `address`, or why there is none."""
    for item in items:
        number = fields.usable_id(item.number)
        if number is None:
            shown = fields.clean(item.number)[:100]
            yield Aside(shown, NO_ID, _raw(item))
        else:
            yield _draft(number, item, address, now)


def _draft(number: str, item: Item, address: str, now: datetime | None) -> Draft:
    told = item.told
    draft = Draft(number, raw=lambda: _raw(item))
    draft.set_title(told.get("name"))
    draft.text = fields.clean(told.get("description")).strip()
    draft.set_price(told.get("price"))
    draft.set_photos(address, [link for link in item.photos.values() if link])
    sellers = (fields.seller_page(link) for link in item.links)
    draft.seller = fields.path(told.get("seller")) or next(filter(None, sellers), None)
    if shown := told.get("date", "").strip():
        draft.listed = shown_date(shown, now)
        # Most dates count from now: without it, a missing one says nothing about the page.
        if now is not None:
            draft.shown["listed"] = fields.clean(shown)
    if "url" in told:
        draft.categories.append(told["url"])
    return draft


def _raw(item: Item) -> str:
    return fields.clean(item.raw)[:FRAGMENT]
