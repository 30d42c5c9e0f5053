"""Rows that stray quotes have joined: told by lines that look like rows of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_NUMBER = re.compile(r"[\W\d]*\d[\W\d]*")
# A text with so many lines that look like rows is none.
_MANY = 20
# The fewest rows that tell whether a column counts, and the most digits of its numbers.
_FEW, _DIGITS = 5, 18


class _Counting(NamedTuple):
    """A column whose numbers go up (`sign` 1) or down (-1) from row to row, by `step` or less."""

    column: int
    sign: int
    step: int


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
        found = (_counting(column, whole) for column in self.numbers)
        self.counting = next(filter(None, found), None)

    @property
    def tells(self) -> bool:
        """Whether any column tells rows from other lines."""
        return bool(self.numbers or self.names)

    def looks_like_row(self, cells: Sequence[str]) -> bool:
        """Return whether a line's cells are as many as a row's, and most that tell are alike."""
        return len(cells) == self.width and self._alike(cells, 0, range(self.width))

    def _alike(self, cells: Sequence[str], text: int, columns: range) -> bool:
        """Return whether most cells that tell, of these columns, are as in a row.

        Separators in the cell at `text` may have made several of it.
        """
        spare = len(cells) - self.width
        if spare < 0:
            return False
        # A line of its own may have but one of two quotes.
        found = [cell.strip(" \"'") for cell in (*cells[:text], *cells[text + spare :])]
        told = [n for n in columns if found[n]]
        alike = [bool(_NUMBER.fullmatch(found[n])) for n in told if n in self.numbers]
        alike += [found[n] in self.names[n] for n in told if n in self.names]
        return sum(alike) * 2 > len(alike)

    def joined(self, lines: Sequence[Sequence[str]]) -> bool:
        """Return whether the lines of a record that is no row are rows, as cells of each alone."""
        first, *inner, last = map(self.looks_like_row, lines)
        return any(inner) or (first and last)

    def joined_to_one(
        self,
        cells: Sequence[str],
        lines: Sequence[Sequence[str]],
        before: Sequence[str],
        after: Sequence[str],
    ) -> bool | None:
        """Return whether the lines of a record that is as wide as a row are rows of their own.

        A quoted text may hold lines that look like rows. That they are rows is shown by a column
        that counts, if they go on where the row before stops and stop where the one after starts.
        Where none counts, the first line must look like a row after the text that it begins, and
        the last one before the text that it ends. None: it cannot be told.

        Args:
            cells: of the record.
            lines: of the record, as cells of each alone.
            before: the row before the record.
            after: the line after the record.
        """
        texts = [n for n, cell in enumerate(cells) if "\n" in cell or "\r" in cell]
        begins, stops, every = texts[0], texts[-1], range(self.width)
        # What is before the text in the first line, and after it in the last, is a row's anyway.
        first = self._alike(lines[0], begins, every[begins + 1 :])
        last = self._alike(lines[-1], stops, every[:stops])
        inner = [line for line in lines[1:-1] if self._alike(line, begins, every)]
        if not (first or last or inner):
            # Of a table that is swallowed nearly whole no column is known.
            alike = self.width > 1 and all(len(line) == self.width for line in lines)
            return None if alike and len(lines) >= _FEW else False
        ends = min(len(lines[0]), len(lines[-1])) >= self.width
        if self.counting:
            rows = [*inner, lines[-1]] if self._alike(lines[-1], stops, every) else inner
            stop = after if self._alike(after, begins, every) else []
            return self._count_on(self.counting, [before, lines[0]], rows, stop, ends) or None
        told_before = any(n < stops for n in (*self.numbers, *self.names))
        if first and (last or (ends and not told_before)):
            return True
        return len(inner) >= _MANY or None

    def _count_on(
        self,
        counting: _Counting,
        start: Sequence[Sequence[str]],
        rows: Sequence[Sequence[str]],
        stop: Sequence[str],
        ends: bool,
    ) -> bool:
        column, sign, step = counting
        counted = [row for row in rows if _numbers(column, [row])]
        # A text that counts by chance seldom has two of these.
        whole = any(map(self.looks_like_row, counted))
        if not counted or bool(stop) + whole + ends < 2:
            return False
        steps = [sign * change for change in _steps(column, [*start, *counted, stop])]
        return sum(not 0 < change <= step for change in steps) * 8 <= len(steps)


def _counting(column: int, rows: Sequence[Sequence[str]]) -> _Counting | None:
    steps = _steps(column, rows)
    for sign in (1, -1):
        on = [sign * step for step in steps if sign * step > 0]
        if len(on) >= max(_FEW - 1, 0.9 * (len(rows) - 1)):
            # Few steps are longer; a row out of place makes two that are.
            return _Counting(column, sign, 2 * sorted(on)[int(0.95 * (len(on) - 1))])
    return None


def _steps(column: int, rows: Sequence[Sequence[str]]) -> list[int]:
    """Return by how much the numbers of a column grow from row to row."""
    return [after - before for before, after in pairwise(_numbers(column, rows))]


def _numbers(column: int, rows: Sequence[Sequence[str]]) -> list[int]:
    cells = [row[column].strip() for row in rows if len(row) > column]
    return [int(cell) for cell in cells if cell.isdecimal() and len(cell) <= _DIGITS]
