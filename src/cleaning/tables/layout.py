"""How a CSV file may be laid out, and how well that explains its first lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from src.cleaning.cells import visible
from src.cleaning.tables.records import Dialect, Records

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}


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
        return SEPARATORS.get(self.dialect.separator, repr(self.dialect.separator))


def lay_out(lines: Sequence[str], skip: int, dialect: Dialect) -> Layout:
    """Return the layout of lines, the first with the names of the columns, in a dialect.

    Args:
        skip: how many lines come before them.
    """
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


def merit(layout: Layout, wanted: set[str]) -> tuple[float, ...]:
    """Return how well a layout explains the lines; larger is better.

    Args:
        wanted: names of columns; a layout with more of them is preferred.
    """
    width = len(layout.header)
    fit = sum(len(row) == width for row in layout.sample) / max(1, len(layout.sample))
    named = len(wanted & set(layout.header))
    # The share of the separators that a file of only one column has to explain is none.
    return named, fit * (1 - 1 / max(1, width)), fit, len(layout.sample)
