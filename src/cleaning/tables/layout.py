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
from src.cleaning.tables.unnamed import named_rightly
from src.core.errors import UserError
from src.core.wording import count_of

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
# So many characters are looked at; the header must be among them.
_SAMPLE = 1 << 20
# Lines above the header, such as a title, are not looked for any further.
_MOST_TITLES = 20
_SEP_LINE = re.compile(r'"?sep=(\t|[^\w\s"])"?\s*', re.IGNORECASE)


class Layout(NamedTuple):
    """How a CSV file is laid out.

    Attributes:
        skip: the number of lines before the header.
        header: names of the columns.
        sample: records of the first lines, as cells.
        added: rows end in a separator that the header lacks; '' ends `header` for it.
        unnamed: the number of last columns that have neither a name nor, in most rows, a cell.
    """

    dialect: Dialect
    skip: int
    header: list[str]
    sample: list[list[str]]
    added: bool
    unnamed: int

    @property
    def separator(self) -> str:
        """What separates the cells, in words."""
        return _SEPARATORS.get(self.dialect.separator, repr(self.dialect.separator))


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
        _layout(lines, skip, Dialect(*kind))
        for kind in product(given or _SEPARATORS, quotes, escapes)
    ]
    names = {visible(name) for name in wanted if name}
    best = max(candidates, key=lambda layout: _merit(layout, names))
    _require_header(best, lines, path, names)
    _require_rows_that_fit(best, path)
    _require_names_in_place(best, lines, path)
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
    records = Records(lines, dialect)
    header = [visible(name) for name in next(records).cells or []]
    rows: list[list[str]] = []
    cut = False
    for record in records:
        cut |= record.open and bool(rows)
        if record.cells and len(record.lines) > 1 and not _may_fit(record.cells, header):
            # Stray quotes: only the first line is broken.
            records.give_back(record.lines[1:])
        # The lines may end within a text; those of it are no rows.
        elif record.cells and not (cut and len(record.cells) != len(rows[-1])):
            rows.append(record.cells)
    longer = [row for row in rows if len(row) == len(header) + 1]
    # Where only most are empty, the cell that has no name may be the first one, as R writes it.
    added = len(longer) * 2 > len(rows) and not any(row[-1].strip() for row in longer)
    if added:
        header.append("")
    # The header may have a separator too many as well.
    while header[-1:] == [""] and sum(len(row) < len(header) for row in rows) * 2 > len(rows):
        header.pop()
    return Layout(dialect, skip, header, rows, added, _unnamed(header, rows))


def _may_fit(cells: Sequence[str], header: Sequence[str]) -> bool:
    spare = len(cells) - len(header)
    return spare == 0 or (spare == 1 and not cells[-1].strip())


def _unnamed(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    named = max((n for n, name in enumerate(header, 1) if name), default=0)
    whole = [row for row in rows if len(row) == len(header)]
    filled = sum(any(map(str.strip, row[named:])) for row in whole)
    return len(header) - named if filled * 2 <= len(whole) else 0


def _merit(layout: Layout, wanted: set[str]) -> tuple[float, ...]:
    width = len(layout.header)
    fit = sum(len(row) == width for row in layout.sample) / max(1, len(layout.sample))
    named = len(wanted & set(layout.header))
    # The share of the separators that a file of only one column has to explain is none.
    return named, fit * (1 - 1 / max(1, width)), fit, len(layout.sample)


def _require_header(layout: Layout, lines: Sequence[str], path: Path, names: set[str]) -> None:
    """Raise UserError if the names of columns are there, but not where or as they should be."""
    if names & set(layout.header):
        return
    for n, line in enumerate(lines[:_MOST_TITLES]):
        cells = re.split(r'[,;|\t"]|  +', line)
        words = {visible(word) for word in cells + line.replace('"', "").split()}
        # In a text a few of the names may occur.
        if len(names & words) < max(2, len(names) / 2 if n else 0):
            continue
        if n:
            raise UserError(
                f"{path}: the names of its columns seem to be in line {layout.skip + n + 1}; "
                "remove the lines above"
            )
        raise UserError(
            f"{path}: the line with the names of its columns cannot be taken apart "
            f"({line.strip()[:60]!r}); separate them by commas, semicolons, tabs or pipes, not by "
            "spaces, and pair the quotes"
        )
    if not layout.header:
        raise UserError(
            f"{path}: the quotes do not pair in its line with the names of the columns: "
            f"{lines[0].strip()[:60]!r}"
        )


def _require_rows_that_fit(layout: Layout, path: Path) -> None:
    width = len(layout.header)
    ((common, n),) = Counter(map(len, layout.sample)).most_common(1) or [(width, 0)]
    if common == width:
        return
    if width == 1:
        way_out = "remove what comes before the names of the columns"
    elif common == width + 1:
        way_out = "give each column a name (in R: row.names = FALSE)"
    else:
        way_out = "are the names of the columns in the first line, and do the quotes pair?"
    raise UserError(
        f"{path}: {n} of its first {count_of(len(layout.sample), 'row')} have "
        f"{count_of(common, 'cell')} and the header has {width} (separated by "
        f"{layout.separator}); {way_out}"
    )


def _require_names_in_place(layout: Layout, lines: Sequence[str], path: Path) -> None:
    """Raise UserError if a last cell without a name may be a shift: a name may lack in front."""
    if layout.header[-1]:
        return
    whole = [row for row in layout.sample if len(row) == len(layout.header)]
    rightly = named_rightly(layout.header[:-1], whole)
    # What is quoted is a cell, and no separator too many.
    quoted = layout.dialect.separator + 2 * layout.dialect.quote
    is_cell = sum(line.rstrip("\r\n").endswith(quoted) for line in lines[1:]) * 2 > len(whole)
    if layout.added:
        sure = rightly is True and not is_cell
    else:
        sure = rightly is True or (rightly is None and layout.unnamed > 0)
    if not sure:
        raise UserError(
            f"{path}: its rows end in a cell without a name, so the names may belong to the cells "
            "after the first one; give each column a name (in R: row.names = FALSE) or remove the "
            "last separators"
        )
