"""Listings in a page's markup, by `data-marker` and `itemprop`: class names change weekly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from src.collect.pages import fields
from src.collect.pages.dates import shown_date
from src.collect.pages.draft import Draft
from src.collect.pages.items import MarkupItem
from src.collect.pages.page import RejectedItem

NO_ID = "item without a usable id"


def markup_drafts(
    items: Iterable[MarkupItem], url: str, now: datetime | None
) -> Iterator[Draft | RejectedItem]:
    """Yield a draft of each item on the page, or why there is none."""
    for item in items:
        listing_id = fields.parse_id(item.id)
        if listing_id is None:
            yield RejectedItem(fields.to_text(item.id)[:100], NO_ID, item.fragment())
        else:
            yield _draft(listing_id, item, url, now)


def _draft(listing_id: str, item: MarkupItem, url: str, now: datetime | None) -> Draft:
    values = item.values
    draft = Draft(listing_id, fragment=item.fragment)
    draft.set_title(values.get("name"))
    draft.text = fields.to_text(values.get("description")).strip()
    draft.set_price(values.get("price"))
    draft.set_photos(url, [link for link in item.photos.values() if link])
    sellers = (fields.seller_path(link) for link in item.links)
    draft.seller = fields.url_path(values.get("seller")) or next(filter(None, sellers), None)
    if shown := values.get("date", "").strip():
        draft.listed = shown_date(shown, now)
        # Most dates are relative to now; without it a missing date says nothing about the page.
        if now is not None:
            draft.shown["listed"] = fields.to_text(shown)
    if "url" in values:
        draft.categories.append(values["url"])
    return draft
