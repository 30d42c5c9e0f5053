"""Ids as programs write them in the cells of a table."""

from __future__ import annotations

import re
from typing import NamedTuple

from src.cleaning.cells import is_missing, visible

NONE = "no id"
LOST = "id is a number whose last digits are lost; store ids as text"
ODD = "id longer than 64 or with characters other than letters, digits, - and _"
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_WHOLE = re.compile(r"(\d+)\.0")
_SHORT = re.compile(r"\d+([.,]\d+)?[eE]\+?\d+")
_EXACT_FLOAT = 2**53


class IdCell(NamedTuple):
    """An id; `problem` says why it cannot be used."""

    value: str
    problem: str = ""


def read_id(cell: str, exact_up_to: int | None = None) -> IdCell:
    """Read an id: 10001.0 is 10001, as a number with a fraction was written.

    Args:
        exact_up_to: for ids stored as floats, the largest integer that their type holds exactly.
    """
    text = visible(cell)
    if is_missing(text):
        return IdCell(text, NONE)
    if whole := _WHOLE.fullmatch(text):
        text, exact_up_to = whole[1], exact_up_to or _EXACT_FLOAT
    # Excel writes 1.234E+10 for a long number.
    if _SHORT.fullmatch(text) and not text.isalnum():
        return IdCell(text, LOST)
    if exact_up_to and text.isdecimal() and int(text) >= exact_up_to:
        return IdCell(text, LOST)
    return IdCell(text) if _ID.fullmatch(text) else IdCell(text, ODD)
