"""Decode a page's bytes to text, whatever charset it claims."""

from __future__ import annotations

import html
import re

_META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.IGNORECASE)
_WORD = re.compile("[а-яёА-ЯЁ]{3,}")
_OPENING = re.compile(rb"<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)
_CLOSING = re.compile(rb"</html\s*>", re.IGNORECASE)
# Other claims are ignored: Python knows charsets that are not text, or slow to decode.
_CHARSETS = {
    "windows-1251": "cp1251",
    "win-1251": "cp1251",
    "cp1251": "cp1251",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "iso-8859-5": "iso8859-5",
    "ibm866": "cp866",
    "cp866": "cp866",
    "x-mac-cyrillic": "mac-cyrillic",
}
# How Firefox saves the source of a page: as a page that shows it, with its tags coloured.
_SHOWN_SOURCE = re.compile(r"<body[^>]{0,500}\bid=\"viewsource\"[^>]{0,500}>")
_TAG = re.compile("<[^<>]*>")
_HEAD, _TAIL = 4_096, 16_384


def decode_page(page: bytes, charset: str | None) -> tuple[str, bool]:
    """Return the page's text, and whether some bytes could not be decoded (they become U+FFFD).

    A claimed charset counts only if the bytes are not UTF-8: `charset` from the HTTP header,
    otherwise the one that the page names. Without any, windows-1251 is tried.
    """
    text = page.decode("utf-8", "replace")
    broken = text.count("\ufffd") - page.count("\ufffd".encode())
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    if broken and broken > (beyond_ascii - broken):
        other = _claimed(page, charset) or _windows(page)
        if other:
            text = page.decode(other, "replace")
            broken = text.count("\ufffd")
    return _source(text.removeprefix("\ufeff")), broken > 0


def is_cut_off(page: bytes) -> bool:
    """Whether a page is empty, or begins as HTML but has no closing tag near its end."""
    if not page.strip():
        return True
    return bool(_OPENING.search(page[:_HEAD])) and not _CLOSING.search(page[-_TAIL:])


def _source(text: str) -> str:
    """Return the page whose source a saved page shows; other pages as they are."""
    shown = _SHOWN_SOURCE.search(text[:_HEAD])
    return html.unescape(_TAG.sub("", text[shown.end() :])) if shown else text


def _claimed(page: bytes, charset: str | None) -> str | None:
    """Return Python's name of the claimed charset, if it is an older one of Cyrillic text."""
    if charset is None and (declared := _META.search(page[:_HEAD])):
        charset = declared[1].decode("ascii", "replace")
    return _CHARSETS.get((charset or "").strip(" \"'").lower())


def _windows(page: bytes) -> str | None:
    """Return windows-1251 if half of what is not ASCII then becomes Cyrillic words, else None."""
    text = page.decode("cp1251", "replace")
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    words = sum(len(word[0]) for word in _WORD.finditer(text))
    return "cp1251" if words >= beyond_ascii / 2 else None
