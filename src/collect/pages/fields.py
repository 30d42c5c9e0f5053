"""Single fields of a listing, from whatever stands in their place."""

from __future__ import annotations

import math
import re
from urllib.parse import urljoin, urlsplit

_ID = re.compile("[0-9]{1,20}")
_SLUG = re.compile("[a-z0-9_-]{1,100}")
_UNENCODABLE = re.compile("[\0\ud800-\udfff]")
_COUNT = re.compile(r"\d[\d\s]{0,20}")
_SELLER_PAGES = ("/user/", "/brands/")
_LONGEST_LINK = 4_096
_LONGEST_NUMBER = 40
_HIGHEST_PRICE = 1e12


def clean(shown: object) -> str:
    """A string that can be written as UTF-8; anything else is an empty one."""
    return _UNENCODABLE.sub("\ufffd", shown) if isinstance(shown, str) else ""


def told(shown: object) -> str:
    """A value as a note shows it; of objects and lists, which may be deep, only the type."""
    if isinstance(shown, str):
        return clean(shown)
    return repr(shown) if isinstance(shown, int | float | None) else type(shown).__name__


def one_line(shown: object) -> str:
    """A string with its whitespace collapsed; anything else is an empty one."""
    return " ".join(clean(shown).split())


def usable_id(shown: object) -> str | None:
    """An id of 1 to 20 digits, or None."""
    if isinstance(shown, int) and not isinstance(shown, bool):
        shown = str(shown)
    found = shown.strip() if isinstance(shown, str) else ""
    return found if _ID.fullmatch(found) else None


def price(shown: object) -> float | None:
    """A price of 0 to 1e12, or None; thousands may be set apart."""
    if isinstance(shown, str):
        shown = "".join(shown[: 2 * _LONGEST_NUMBER].split()).removesuffix("₽")
        shown = shown if len(shown) <= _LONGEST_NUMBER else ""
    if isinstance(shown, bool) or not isinstance(shown, int | float | str):
        return None
    try:
        found = float(shown)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and 0 <= found <= _HIGHEST_PRICE else None


def count(shown: object) -> int | None:
    """A count of listings; thousands may be set apart."""
    if isinstance(shown, str):
        shown = shown.strip()
        return int("".join(shown.split())) if _COUNT.fullmatch(shown) else None
    if isinstance(shown, int) and not isinstance(shown, bool) and shown >= 0:
        return shown
    return None


def absolute(address: str, link: object) -> str | None:
    """The absolute http(s) address of a link found at `address`, or None."""
    if not isinstance(link, str) or not link.strip() or len(link) > _LONGEST_LINK:
        return None
    try:
        joined = urljoin(address[:_LONGEST_LINK], link.strip())
        parts = urlsplit(joined)
    except ValueError:
        return None
    return clean(joined) if parts.scheme in ("http", "https") and parts.netloc else None


def slug(shown: object) -> str | None:
    """A category's name in addresses, or None."""
    return shown if isinstance(shown, str) and _SLUG.fullmatch(shown) else None


def category(address: object) -> str | None:
    """The second part of an address's path: `telefony` of `/moskva/telefony/apple`."""
    parts = (path(address) or "").split("/", 3)
    return slug(parts[2]) if len(parts) > 2 else None


def seller_page(link: object) -> str | None:
    """The path of a seller's page, or None where the link leads elsewhere."""
    found = path(link)
    return found if found and found.startswith(_SELLER_PAGES) else None


def path(address: object) -> str | None:
    """An address's path without its query, or None."""
    if not isinstance(address, str) or len(address) > _LONGEST_LINK:
        return None
    try:
        return clean(urlsplit(address.strip()).path) or None
    except ValueError:
        return None
