"""Ads that a page marks by nothing but their own addresses, as the front page of 2021 does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from src.collect.pages import fields
from src.collect.pages.dates import shown_date
from src.collect.pages.draft import Draft
from src.collect.pages.items import MarkupItem

# The element around an ad has its id, with an i before it.
_BLOCK = re.compile("i([0-9]{6,20})")
# Without that element: how far above its first link an ad begins.
_ABOVE = 2
_PRICE = re.compile(r"(?<!\d)(\d{1,3}(?:\s\d{3})+|\d+)\s*(?:₽|руб|р\.)")
_DATE = re.compile(r"(?:сегодня|вчера|позавчера|\d{1,2} [а-я]+)(?: \d{4})?(?: в)? \d{1,2}:\d\d")
_BLOCKS = frozenset({"div", "p", "h3", "h4", "li", "ul", "table", "tr", "td"})
_MAX_TEXT = 2_000


class AddressedItems:
    """Collects them while a page is scanned; `items` by id, in the order of the page.

    An ad's title and photo are in the links to its address; its price and date are in the text
    around them.
    """

    def __init__(self) -> None:
        self.items: dict[str, MarkupItem] = {}
        self._item: MarkupItem | None = None
        # The depth of the link to the ad that is being read, and whether it has a photo.
        self._link: int | None = None
        self._with_photo = False

    def start(self, tag: str, attributes: Mapping[str, str], depth: int) -> None:
        link = attributes.get("href", "") if tag == "a" else ""
        if block := _BLOCK.fullmatch(attributes.get("id", "")):
            self._enter(block[1], depth)
        elif link and (found := fields.address_id(link)):
            self._enter(found, max(1, depth - _ABOVE))
        item = self._item
        if item is None:
            return
        item.keep_start(tag, attributes)
        self._add("shown", "\n")
        # If the link's end tag is lost, its title ends here.
        if tag in _BLOCKS and item.values.get("link", "").strip():
            self._end_link(item)
        if link:
            item.links.append(link)
            if fields.address_id(link) == item.id:
                self._link, self._with_photo = depth, False
                item.values.setdefault("url", link)
        if tag == "img" and self._link is not None:
            # An image that has not been scrolled to has a placeholder for its source.
            lazy = attributes.get("data-srcpath") or attributes.get("data-src")
            url = lazy or attributes.get("src", "")
            item.photos.setdefault(url, url)
            item.values.setdefault("alt", attributes.get("alt", ""))
            self._with_photo = True

    def data(self, text: str) -> None:
        if self._item is not None:
            self._item.keep_text(text)
            self._add("shown" if self._link is None else "link", text)

    def end(self, tag: str, depth: int) -> None:
        """Handle the end of an element; `depth` is that of the element around it."""
        if self._item is None:
            return
        self._item.keep_end(tag)
        self._add("shown", "\n")
        if self._link is not None and depth < self._link:
            self._end_link(self._item)
        if depth < self._item.depth:
            self._end_link(self._item)
            self._item = None

    def _enter(self, listing_id: str, depth: int) -> None:
        if self._item is None or self._item.id != listing_id:
            if self._item is not None:
                self._end_link(self._item)
            self._item = self.items.setdefault(listing_id, MarkupItem(listing_id, depth))
            self._item.depth = depth

    def _end_link(self, item: MarkupItem) -> None:
        """Keep a link's text as the title; beside a photo it may be how many photos there are."""
        self._link = None
        text = item.values.pop("link", "").strip()
        if text:
            item.values.setdefault("caption" if self._with_photo else "name", text)

    def _add(self, name: str, text: str) -> None:
        if self._item is not None:
            before = self._item.values.get(name, "")
            if len(before) < _MAX_TEXT:
                self._item.values[name] = before + text[:_MAX_TEXT]


def addressed_drafts(
    items: Mapping[str, MarkupItem], url: str, now: datetime | None
) -> Iterator[Draft]:
    """Yield a draft of each ad whose address is on the site of the page."""
    site = _site(url)
    for item in items.values():
        own = fields.absolute_url(url, item.values.get("url"))
        if own is None or not site or _site(own) == site:
            yield _draft(item, url, now)


def _draft(item: MarkupItem, url: str, now: datetime | None) -> Draft:
    draft = Draft(item.id, fragment=item.fragment)
    titles = (item.values.get(name) for name in ("name", "alt", "caption"))
    draft.set_title(next(filter(None, titles), None))
    draft.set_photos(url, [link for link in item.photos.values() if link])
    sellers = (fields.seller_path(link) for link in item.links)
    draft.seller = next(filter(None, sellers), None)
    for line in fields.lines(item.values.get("shown")).splitlines():
        if "price" not in draft.shown and (price := _PRICE.search(line)):
            draft.set_price(price[1])
        if draft.listed is None and _DATE.fullmatch(line.lower()):
            draft.listed = shown_date(line, now)
    if "url" in item.values:
        draft.categories.append(item.values["url"])
    return draft


def _site(url: str) -> str:
    """Return the last two parts of a URL's host."""
    try:
        return ".".join(urlsplit(url).netloc.lower().split(".")[-2:])
    except ValueError:
        return ""
