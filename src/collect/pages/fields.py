"""Parse single fields of a listing from whatever value is in their place."""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin, urlsplit

_ID = re.compile("[0-9]{1,20}")
_SLUG = re.compile("[a-z0-9_-]{1,100}")
_UNENCODABLE = re.compile("[\0\ud800-\udfff]")
_ADDRESS = re.compile(r"/[^/]+/[^/]+/[^/]*_([0-9]{6,20})/?")
_BREAK = re.compile(r"<(?:br|/?(?:p|li|ul|ol|div))\b[^<>]{0,200}>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][^<>]{0,500}>", re.IGNORECASE)
_COUNT = re.compile(r"\d[\d\s]{0,20}")
_SELLER_PAGES = ("/user/", "/brands/")
_MAX_URL = 4_096


def to_text(value: object) -> str:
    """Return a string that can be encoded as UTF-8; "" for anything but a string."""
    return _UNENCODABLE.sub("\ufffd", value) if isinstance(value, str) else ""


def summary(value: object) -> str:
    """Return a value as notes show it; of objects and lists, which may be deep, only the type."""
    if isinstance(value, str):
        return to_text(value)
    return repr(value) if isinstance(value, int | float | None) else type(value).__name__


def one_line(value: object) -> str:
    """Return a string with its whitespace collapsed; "" for anything but a string."""
    return " ".join(to_text(value).split())


def lines(value: object) -> str:
    """Return a text with its lines stripped and at most one empty line between two."""
    stripped = "\n".join(" ".join(line.split()) for line in to_text(value).splitlines())
    return re.sub("\n{3,}", "\n\n", stripped).strip()


def described(value: object) -> str:
    """Return a description as plain text, which some data have as HTML."""
    text = to_text(value)
    if text.lstrip()[:1] != "<":
        return text.strip()
    return lines(html.unescape(_TAG.sub("", _BREAK.sub("\n", text))))


def parse_id(value: object) -> str | None:
    """Return an id of 1 to 20 digits, or None."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    found = value.strip() if isinstance(value, str) else ""
    return found if _ID.fullmatch(found) else None


def parse_count(value: object) -> int | None:
    """Return a count of listings, or None; thousands may be separated by spaces."""
    if isinstance(value, str):
        value = value.strip()
        return int("".join(value.split())) if _COUNT.fullmatch(value) else None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return None


def absolute_url(base: str, link: object) -> str | None:
    """Return the absolute http(s) URL of a link on the page `base`, or None."""
    if not isinstance(link, str) or not link.strip() or len(link) > _MAX_URL:
        return None
    try:
        joined = urljoin(base[:_MAX_URL], link.strip())
        parts = urlsplit(joined)
    except ValueError:
        return None
    return to_text(joined) if parts.scheme in ("http", "https") and parts.netloc else None


def parse_slug(value: object) -> str | None:
    """Return a category's name in URLs, or None."""
    return value if isinstance(value, str) and _SLUG.fullmatch(value) else None


def category_slug(url: object) -> str | None:
    """Return the second part of a URL's path: `telefony` of `/moskva/telefony/apple`, or None."""
    parts = (url_path(url) or "").split("/", 3)
    return parse_slug(parts[2]) if len(parts) > 2 else None


def address_id(link: object) -> str | None:
    """Return the id in the address of one listing, `/city/category/name_1234567`, or None."""
    found = _ADDRESS.fullmatch(url_path(link) or "")
    return found[1] if found else None


def seller_path(link: object) -> str | None:
    """Return the path of a seller's page; None if the link leads elsewhere."""
    path = url_path(link)
    return path if path and path.startswith(_SELLER_PAGES) else None


def url_path(url: object) -> str | None:
    """Return a URL's path without its query, or None."""
    if not isinstance(url, str) or len(url) > _MAX_URL:
        return None
    try:
        return to_text(urlsplit(url.strip()).path) or None
    except ValueError:
        return None
