"""Cells of a table: as text, without what cannot be seen, and whether they are empty."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd

# What programs and people write where there is no value.
_MISSING = frozenset(
    ("", "nan", "-nan", "none", "null", "(null)", "nil", "na", "<na>", "n/a", "#n/a", "#na", "nat")
    + ("undefined", "-", "--", "---", "–", "—", "?", ".", "\\n", "н/д")
)
# Longer texts are no such word, and not normalised: the time grows with the square of the length.
_LONGEST_WORD, _LONGEST_NORMALISED = 32, 1000
# Formats such as a zero-width space, variation selectors, fillers: ranges of a set in a pattern.
INVISIBLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Space among the controls is left.
_INVISIBLE = re.compile(f"[\x00-\x08\x0e-\x1f\x7f-\x9f{INVISIBLE}]")


def as_text(column: pd.Series) -> pd.Series:
    """Return the column as text, '' where missing; 7.0 from numbers with gaps becomes "7"."""
    return column.astype(object).map(value_as_text).astype(object)


def value_as_text(value: Any) -> str:
    """Return a value as text: '' where missing, "7" for 7.0, the text that bytes in UTF-8 hold.

    Raises:
        UnicodeDecodeError: bytes that are not UTF-8.
    """
    if isinstance(value, str):
        return value
    # For a list in a cell, isna would return an array.
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return ""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return str(value)


def visible(cell: str) -> str:
    """Return a text without what cannot be seen: no invisible characters, single spaces.

    Up to 1000 characters, as names have, it is NFC as well.
    """
    if cell.isascii() and cell.isprintable():
        return " ".join(cell.split())
    if len(cell) <= _LONGEST_NORMALISED:
        cell = unicodedata.normalize("NFC", cell)
    return " ".join(_INVISIBLE.sub("", cell).split())


def present(cell: str) -> str:
    """Return a text without space around it, '' for a word such as "n/a"."""
    cell = cell.strip()
    return "" if is_missing(cell) else cell


def is_missing(cell: Any) -> bool:
    """Return whether a cell has no value: None, NaN, an empty text, or a word such as "n/a"."""
    if isinstance(cell, bytes):
        try:
            cell = cell.decode("utf-8")
        except UnicodeDecodeError:
            return False
    if isinstance(cell, str):
        cell = cell.strip()
        if len(cell) > _LONGEST_WORD:
            return False
        word = visible(cell).casefold()
        # Programs write a question mark for each letter that their encoding lacks.
        return word in _MISSING or not word.strip("? \ufffd")
    # For a list in a cell, isna would return an array.
    return bool(pd.api.types.is_scalar(cell) and pd.isna(cell))
