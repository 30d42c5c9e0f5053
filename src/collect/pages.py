"""Read a search page of Avito, or one shaped like it: bytes in, listings out, no network.

Selects by `data-marker` and `itemprop`, which have stayed for years; class names change weekly.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from lxml import etree, html

from src.collect.found import Note

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.IGNORECASE)
_ID = re.compile(r"[0-9]{1,20}")
_SLUG = re.compile(r"[a-z0-9_-]{1,100}")
_SLIDER = "slider-image/image-"


@dataclass(frozen=True)
class PageListing:
    """One listing as the page shows it; addresses are absolute, `price` in the page's currency."""

    id: str
    title: str
    text: str
    price: float | None
    category: str
    photo: str | None
    seller: str | None


@dataclass
class Page:
    """`rejected` items could not be read; `noted` ones are listed, with something missing."""

    listings: list[PageListing] = field(default_factory=list)
    rejected: list[Note] = field(default_factory=list)
    noted: list[Note] = field(default_factory=list)


def read_page(page: bytes, address: str, charset: str | None = None) -> Page:
    """Read the listings of a search page that was found at `address`.

    The category is the second part of the address's path (`/moskva/telefony`), or else of the
    item's own. Without a declared charset the page is UTF-8. Never raises: an item that cannot be
    read is set aside, and a page without items is an empty `Page`.
    """
    read = Page()
    for item in _items(page, charset):
        _read_item(item, address, read)
    return read


def _items(page: bytes, charset: str | None) -> list[html.HtmlElement]:
    if charset is None and (declared := _CHARSET.search(page[:4096])):
        charset = declared[1].decode("ascii", "replace")
    try:
        text = page.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        text = page.decode("utf-8", "replace")
    clean = text.replace("\0", "").encode("utf-8", "replace")
    try:
        tree = html.document_fromstring(clean, parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError):
        return []
    return [item for item in tree.iter() if item.get("data-marker") == "item"]


def _read_item(item: html.HtmlElement, address: str, read: Page) -> None:
    number = (item.get("data-item-id") or "").strip()
    if not _ID.fullmatch(number):
        read.rejected.append(Note("", "item without a usable id", number[:100]))
        return
    link = _first(item, './/a[@itemprop="url"]/@href')
    category = _category(address) or _category(_join(address, link) or "")
    if category is None:
        read.rejected.append(Note(number, "no category in the address", (link or "")[:200]))
        return
    names = item.xpath('.//*[@itemprop="name"]')
    shown_price = _first(item, './/*[@itemprop="price"]/@content')
    price = None if shown_price is None else _price(shown_price)
    if shown_price is not None and price is None:
        read.noted.append(Note(number, "price cannot be read", shown_price[:100]))
    photo_link = _first(item, './/img[@itemprop="image"]/@src')
    if not photo_link:
        marker = _first(item, f'.//*[starts-with(@data-marker, "{_SLIDER}")]/@data-marker')
        photo_link = (marker or "").removeprefix(_SLIDER)
    photo = _join(address, photo_link)
    if photo_link and photo is None:
        read.noted.append(Note(number, "photo address cannot be read", photo_link[:200]))
    read.listings.append(
        PageListing(
            id=number,
            title=" ".join(names[0].text_content().split()) if names else "",
            text=(_first(item, './/*[@itemprop="description"]/@content') or "").strip(),
            price=price,
            category=category,
            photo=photo,
            seller=_seller(item),
        )
    )


def _first(item: html.HtmlElement, xpath: str) -> str | None:
    found = item.xpath(xpath)
    return str(found[0]) if found else None


def _join(address: str, link: str | None) -> str | None:
    """An absolute http(s) address, or None."""
    try:
        joined = urljoin(address, link or "")
        return joined if link and urlsplit(joined).scheme in ("http", "https") else None
    except ValueError:
        return None


def _category(address: str) -> str | None:
    try:
        parts = urlsplit(address).path.split("/")
    except ValueError:
        return None
    return parts[2] if len(parts) > 2 and _SLUG.fullmatch(parts[2]) else None


def _price(shown: str) -> float | None:
    try:
        price = float(shown)
    except ValueError:
        return None
    return price if math.isfinite(price) and 0 <= price <= 1e12 else None


def _seller(item: html.HtmlElement) -> str | None:
    """The path of the seller's page, without its query."""
    link = _first(
        item,
        './/a[starts-with(@data-marker, "item-user-logo") or starts-with(@href, "/user/")'
        ' or starts-with(@href, "/brands/")]/@href',
    )
    return link.split("?")[0] if link else None
