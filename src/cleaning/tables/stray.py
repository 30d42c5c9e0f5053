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

    def joined(self, lines: Sequence[Sequence[str]], whole: bool) -> bool:
        """Return whether the lines of one record, as cells of each alone, are rows of their own.

        Args:
            whole: the record has as many cells as a row. A text may hold lines that look like rows,
                so then the first and the last line must be rows by what two columns tell. Where a
                comma in the first one hides that, all between them must be rows as well.
        """
        first, *inner, last = map(self.looks_like_row, lines)
        if not whole:
            return any(inner) or (first and last)
        if len(self.numbers) + len(self.names) < 2 or not last:
            return False
        return first or (len(lines[0]) > self.width and bool(inner) and all(inner))
