"""The layout of a CSV file, decided by how well each candidate explains its first lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from io import StringIO
from itertools import product
from pathlib import Path
from typing import NamedTuple

from src.cleaning.cells import visible
from src.cleaning.tables.encoding import MARK, Encoding, open_text
from src.cleaning.tables.records import Dialect, Records
from src.core.errors import UserError
from src.core.wording import count_of

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
# So many characters are looked at; the header must be among them.
_SAMPLE = 1 << 20
_SEP_LINE = re.compile(r'"?sep=(\t|[^\w\s"])"?\s*', re.IGNORECASE)


class Layout(NamedTuple):
    """How a CSV file is laid out.

    Attributes:
        skip: the number of lines before the header.
        header: names of the columns.
        sample: records of the first lines, as cells.
        extra: rows end in a separator that the header lacks; '' ends `header` for it.
    """

    dialect: Dialect
    skip: int
    header: list[str]
    sample: list[list[str]]
    extra: bool

    @property
    def separator(self) -> str:
        """The separator in words."""
        return _SEPARATORS.get(self.dialect.separator, repr(self.dialect.separator))


def detect_layout(path: Path, encoding: Encoding, wanted: Collection[str]) -> Layout:
    """Return the layout under which the most rows have as many cells as the header.

    Args:
        wanted: names of columns; a layout in which they are the header's is preferred.

    Raises:
        UserError: the first lines are no text, or most rows do not fit the header.
    """
    lines, skip, given = _first_lines(path, encoding)
    text = "".join(lines)
    quotes = "\"'" if lines[0].startswith("'") else '"'
    escapes: list[str | None] = [None, "\\"] if '\\"' in text or "\\'" in text else [None]
    candidates = [
        _layout(lines, skip, Dialect(*kind))
        for kind in product(given or _SEPARATORS, quotes, escapes)
    ]
    names = {visible(name) for name in wanted if name}
    best = max(candidates, key=lambda layout: _merit(layout, names))
    _require_rows_that_fit(best, path)
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


def _layout(lines: Sequence[str], skip: int, dialect: Dialect) -> Layout:
    rows: list[list[str]] = []
    cut = False
    for record in Records(lines, dialect):
        cut |= record.open and len(rows) > 1
        # The lines may end within a text; those of it are no rows.
        if record.cells and not (cut and len(record.cells) != len(rows[-1])):
            rows.append(record.cells)
    header = [visible(name) for name in rows[0]] if rows else []
    rows, n = rows[1:], len(header)
    longer = [row for row in rows if len(row) == n + 1]
    # Where only most are empty, the cell that has no name may be the first one, as R writes it.
    extra = len(longer) * 2 > len(rows) and not any(row[-1].strip() for row in longer)
    if extra:
        header.append("")
    # The header may have a separator too many as well.
    while header[-1:] == [""] and sum(len(row) < len(header) for row in rows) * 2 > len(rows):
        header.pop()
    return Layout(dialect, skip, header, rows, extra)


def _merit(layout: Layout, wanted: set[str]) -> tuple[float, ...]:
    width = len(layout.header)
    fit = sum(len(row) == width for row in layout.sample) / max(1, len(layout.sample))
    named = len(wanted & set(layout.header))
    # The share of the separators that a file of only one column has to explain is none.
    return named, fit * (1 - 1 / max(1, width)), fit, len(layout.sample)


def _require_rows_that_fit(layout: Layout, path: Path) -> None:
    width = len(layout.header)
    ((common, n),) = Counter(map(len, layout.sample)).most_common(1) or [(width, 0)]
    if common != width:
        raise UserError(
            f"{path}: {n} of its first {count_of(len(layout.sample), 'row')} have "
            f"{count_of(common, 'cell')} and the header has {width} (separated by "
            f"{layout.separator}); give each column a name (in R: row.names = FALSE)"
        )
