"""What every reader of table cells needs: which cells are empty, and cells without odd spaces."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

# Soft hyphens, zero-width and direction marks, which copying from a page leaves in cells.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# What programs and people write where there is no value.
_MISSING = frozenset(
    ("", "nan", "-nan", "none", "null", "(null)", "nil", "na", "<na>", "n/a", "#n/a", "#na", "nat")
    + ("undefined", "-", "--", "---", "–", "—", "?", ".", "\\n", "н/д")
)


def tidy(cell: str) -> str:
    """Return the text without invisible characters, its spaces of any kind made single ones."""
    return " ".join((cell if cell.isascii() else _INVISIBLE.sub("", cell)).split())


def is_missing(cell: Any) -> bool:
    """Return whether a cell has no value: None, NaN, an empty text, or a word such as "n/a"."""
    if isinstance(cell, str):
        return tidy(cell).casefold() in _MISSING
    # For a list in a cell, isna would return an array.
    return bool(pd.api.types.is_scalar(cell) and pd.isna(cell))
