"""Texts of listings: for transformers (`clean`) and for bags of words (`words`)."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from src.cleaning.cells import INVISIBLE
from src.cleaning.redact import EMAIL, LINK, NAME, PHONE, redact

if TYPE_CHECKING:
    import pandas as pd

# `amp;` may repeat: "&amp;amp;lt;" was escaped three times. The semicolon is required, else
# "phones&notebooks" would become "phones¬ebooks".
_ENTITY = re.compile(r"&(?:amp;)*(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_HIDDEN = re.compile(
    r"<(script|style)\b[^<>]{0,500}>[^<]*(?:<(?!/?(?:script|style)\b)[^<]*)*</\1\s*>",
    re.IGNORECASE,
)
# Only known tags: "цена <500, торг>" is text.
_TAG = re.compile(
    r"<!--[^<]{0,5000}?-->|</?(?:a|abbr|article|b|big|blockquote|body|br|center|code|div|em|font|h[1-6]"
    r"|head|hr|html|i|img|input|label|li|link|meta|ol|p|pre|s|script|section|small|span|strike"
    r"|strong|style|sub|sup|table|tbody|td|th|thead|title|tr|tt|u|ul)\b[^<>]{0,2000}>",
    re.IGNORECASE | re.DOTALL,
)
# Keycap frames, what stands for no character, surrogates, and accents that combine with no letter.
_INVISIBLE = re.compile(f"[{INVISIBLE}\u0300-\u036f\u20e3\ufffc\ufffd\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ue000-\uf8ff]")
# NFKC would join these to their neighbours: "iPhone™" -> "iPhoneTM", "5½" -> "51⁄2".
_GLUES = re.compile("(?<=\\d)(?=[\u00bc-\u00be\u2150-\u215e])|[™℠]")
# Products that the English stop list counts as noise.
_GOODS = frozenset(
    ["case", "cases", "cd", "computer", "face", "fire", "home", "keys", "microsoft", "mug"]
    + ["pro", "ring", "room", "rooms", "sd", "se", "shed", "system", "tip", "top", "tt", "tv"]
    + ["ups", "web", "well"]
)
_MARKS = re.compile("|".join(map(re.escape, (EMAIL, LINK, PHONE, NAME))))
_WORD = re.compile(r"(?:б/у|[^\W_])+", re.IGNORECASE)


def with_words(table: pd.DataFrame) -> pd.DataFrame:
    """Return the listings with `title` and `text` clean, and `title_words` and `text_words`."""
    cleaned = table.assign(title=table["title"].map(clean), text=table["text"].map(clean))
    return cleaned.assign(
        title_words=cleaned["title"].map(words), text_words=cleaned["text"].map(words)
    )


def clean(text: str) -> str:
    """Remove markup, invisible characters, contacts and line breaks; keep case and punctuation."""
    text = _plain(text)
    # An escaped tag appears only after unescaping, and may contain another.
    for _ in range(3):
        before = text
        text = _TAG.sub(" ", _HIDDEN.sub(" ", text)) if "<" in text else text
        text = _ENTITY.sub(_unescape, text) if "&" in text else text
        if text == before:
            break
    return " ".join(redact(_plain(text)).split())


def words(text: str) -> str:
    """Lower-case words and numbers of a clean text without stop words, joined by one space.

    Marks such as "[phone]" are dropped: they describe the seller rather than the product, and
    "phone" would pass for a word of the text. "256gb" and "iphone13" stay whole.
    """
    text = _MARKS.sub(" ", text).lower().replace("ё", "е").replace("б/у", "бу")
    stop = _stop_words()
    return " ".join(word for word in _WORD.findall(text) if word not in stop)


def word_places(text: str) -> list[tuple[str, int, int]]:
    """Return each of the `words` of a clean text, with its start and end in it."""
    unmarked = _MARKS.sub(lambda mark: " " * len(mark[0]), text)
    spans = [match.span() for match in _WORD.finditer(unmarked)]
    found = [(words(unmarked[start:end]), start, end) for start, end in spans]
    return [place for place in found if place[0]]


def _plain(text: str) -> str:
    """Normalise to NFKC without control and invisible characters.

    NFKC rather than NFC: sellers decorate with full-width and mathematical letters, which neither
    tokenizers nor phone patterns know; what is lost (², ligatures) matters less. № is kept: NFKC
    would turn it into "No".
    """
    if text.isascii():
        return _CONTROL.sub(" ", text)
    parts = _GLUES.sub(" ", text).split("№")
    text = "№".join(unicodedata.normalize("NFKC", part) for part in parts)
    return _CONTROL.sub(" ", _INVISIBLE.sub("", text))


def _unescape(match: re.Match[str]) -> str:
    return html.unescape(f"&{match[1]};")


@lru_cache(maxsize=1)
def _stop_words() -> frozenset[str]:
    from stop_words import get_stop_words

    listed = (word.replace("ё", "е") for lang in ("ru", "en") for word in get_stop_words(lang))
    # "don't" is split into "don" and "t", so the stop words are split alike.
    parts = {part for word in listed for part in _WORD.findall(word) if part.isalpha()}
    return frozenset(parts - _GOODS)
