"""The layout of a CSV file, decided by how well each candidate explains its first lines."""

from __future__ import annotations

import re
from collections.abc import Collection
from io import StringIO
from itertools import product
from pathlib import Path

from src.cleaning.cells import visible
from src.cleaning.tables.encoding import MARK, Encoding, open_text
from src.cleaning.tables.layout import SEPARATORS, Layout, lay_out, merit
from src.cleaning.tables.layout_checks import (
    require_header,
    require_names_in_place,
    require_rows_that_fit,
)
from src.cleaning.tables.records import Dialect
from src.core.errors import UserError

# So many characters are looked at; the header must be among them.
_SAMPLE = 1 << 20
_SEP_LINE = re.compile(r'"?sep=(\t|[^\w\s"])"?\s*', re.IGNORECASE)


def detect_layout(path: Path, encoding: Encoding, wanted: Collection[str]) -> Layout:
    """Return the layout under which the most rows have as many cells as the header.

    Args:
        wanted: names of columns; a layout in which they are the header's is preferred.

    Raises:
        UserError: the first lines are no text, most rows do not fit the header, or its names may
            be shifted against the cells.
    """
    lines, skip, given = _first_lines(path, encoding)
    text = "".join(lines)
    quotes = "\"'" if lines[0].startswith("'") else '"'
    escapes: list[str | None] = [None, "\\"] if '\\"' in text or "\\'" in text else [None]
    candidates = [
        lay_out(lines, skip, Dialect(*kind))
        for kind in product(given or SEPARATORS, quotes, escapes)
    ]
    names = {visible(name) for name in wanted if name}
    best = max(candidates, key=lambda layout: merit(layout, names))
    require_header(best, lines, path, names)
    require_rows_that_fit(best, path)
    require_names_in_place(best, lines, path)
    return best


def _first_lines(path: Path, encoding: Encoding) -> tuple[list[str], int, str]:
    """Return the lines from the header on, how many come before, the separator they name or ''."""
    with open_text(path, encoding) as file:
        text = file.read(_SAMPLE)
    # As a file does, and not as splitlines, which knows more ends of lines.
    lines = list(StringIO(text, newline=""))
    if len(text) == _SAMPLE:
        lines.pop()
    skip, separator = 0, ""
    while skip < len(lines) and (
        (said := _SEP_LINE.fullmatch(lines[skip])) or not lines[skip].strip()
    ):
        separator = said[1] if said else separator
        skip += 1
    if skip == len(lines):
        raise UserError(f"{path} has no line with the names of the columns; expected one")
    if MARK in lines[skip] or "\0" in lines[skip]:
        raise UserError(
            f"{path}: its line {skip + 1}, with the names of the columns, is not text in "
            f"{encoding.title}; save the table as CSV UTF-8"
        )
    return lines[skip:], skip, separator
