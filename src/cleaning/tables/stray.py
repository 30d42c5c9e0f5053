"""Rows that a stray quote has joined: told by lines that look like rows of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[\W\d]*\d[\W\d]*")


class RowShape:
    """What the columns of a table look like, learnt from its first rows.

    A column tells rows from other lines if most of its cells are numbers (or dates), or if they
    are few different names.
    """

    def __init__(self, width: int, rows: Sequence[Sequence[str]]) -> None:
        self.width = width
        self.numbers: list[int] = []
        self.names: dict[int, frozenset[str]] = {}
        whole = [row for row in rows if len(row) == width]
        for column in range(width):
            cells = [row[column].strip() for row in whole]
            filled = [cell for cell in cells if cell]
            known = frozenset(cell for cell in filled if "\n" not in cell)
            if len(filled) * 2 < len(cells) or not filled:
                continue
            if sum(bool(_NUMBER.fullmatch(cell)) for cell in filled) >= 0.75 * len(filled):
                self.numbers.append(column)
            elif len(known) * 3 <= len(filled):
                self.names[column] = known

    @property
    def tells(self) -> bool:
        """Whether any column tells rows from other lines."""
        return bool(self.numbers or self.names)

    def looks_like_row(self, cells: Sequence[str]) -> bool:
        """Return whether a line's cells are as many as a row's, and most that tell are alike."""
        if len(cells) != self.width:
            return False
        found = [cell.strip() for cell in cells]
        alike = [bool(_NUMBER.fullmatch(found[n])) for n in self.numbers if found[n]]
        alike += [found[n] in known for n, known in self.names.items() if found[n]]
        return sum(alike) * 2 > len(alike)

    def joined(self, lines: Sequence[Sequence[str]]) -> bool:
        """Return whether the lines of one record, as cells of each alone, are rows of their own.

        A text may hold a line that looks like a row at its end, where the row goes on; then its
        first line does not.
        """
        first, *inner, last = map(self.looks_like_row, lines)
        return any(inner) or (first and last)
