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
        if len(cells) != self.width:
            return False
        # A line of its own may have but one of two quotes.
        found = [cell.strip(" \"'") for cell in cells]
        alike = [bool(_NUMBER.fullmatch(found[n])) for n in self.numbers if found[n]]
        alike += [found[n] in known for n, known in self.names.items() if found[n]]
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
        first, *rest = (self._may_be_row(line, texts[0]) for line in lines)
        if not any(rest):
            return False
        if self.counting:
            rows = [line for line, may_be in zip(lines[1:], rest, strict=True) if may_be]
            stop = after if self._may_be_row(after, texts[0]) else []
            ends = min(len(lines[0]), len(lines[-1])) >= self.width
            return self._count_on(self.counting, [before, lines[0]], rows, stop, ends) or None
        telling = [n for n in (*self.numbers, *self.names) if cells[n].strip()]
        around = bool(telling) and min(telling) < texts[-1] and max(telling) > texts[0]
        return (first and rest[-1] and around) or sum(rest) >= _MANY or None

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

    def _may_be_row(self, cells: Sequence[str], text: int) -> bool:
        """A separator in its text without quotes makes a row longer."""
        spare = max(0, len(cells) - self.width)
        return self.looks_like_row([*cells[:text], *cells[text + spare :]])


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
