"""Lines of CSV joined to records by the csv module, strictly; a broken record costs one line."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Dialect(NamedTuple):
    """How cells are separated and quoted; `escape` is a backslash where quotes have one."""

    separator: str
    quote: str = '"'
    escape: str | None = None


class CsvRecord(NamedTuple):
    """The lines of one record; `cells` is None where quotes do not pair or a cell is too long."""

    lines: list[str]
    cells: list[str] | None


class _Lines:
    """The lines of a file, which can be given back, and those `taken` for one record."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.source = iter(lines)
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    # Not a generator: one that has come to the end would not go on with lines given back.
    def __next__(self) -> str:
        line = self.waiting.popleft() if self.waiting else next(self.source)
        self.taken.append(line)
        return line

    def give_back(self, lines: list[str]) -> None:
        self.waiting.extendleft(reversed(lines))


class Records:
    """Iterates over the records of a file.

    Attributes:
        next_line: the number of the line that comes next, from 1.
    """

    def __init__(self, lines: Iterable[str], dialect: Dialect) -> None:
        self.dialect = dialect
        self.next_line = 1
        self._lines = _Lines(lines)
        self._reader = self._parse(self._lines)

    def __iter__(self) -> Iterator[CsvRecord]:
        return self

    def __next__(self) -> CsvRecord:
        taken: list[str] = []
        self._lines.taken = taken
        try:
            record = CsvRecord(taken, next(self._reader))
        except csv.Error:
            record = CsvRecord(taken[:1], None)
            self._lines.give_back(taken[1:])
        self.next_line += len(record.lines)
        return record

    def give_back(self, lines: list[str]) -> None:
        """Put back the last lines of the latest record; they are then read again."""
        self._lines.give_back(lines)
        self.next_line -= len(lines)

    def peek(self) -> str:
        """Return the line that comes next without taking it; '' at the end."""
        if line := next(self._lines, ""):
            self._lines.give_back([line])
        return line

    def alone(self, line: str) -> list[str]:
        """Return the cells of a line as if it were a record; quotes that do not pair are text."""
        try:
            return next(self._parse([line]), [])
        except csv.Error:
            return self.literal(line)

    def literal(self, line: str) -> list[str]:
        """Return the cells of a line in which quotes are text; none if a cell is too long."""
        try:
            separator = self.dialect.separator
            return next(csv.reader([line], delimiter=separator, quoting=csv.QUOTE_NONE), [])
        except csv.Error:
            return []

    def _parse(self, lines: Iterable[str]) -> Iterator[list[str]]:
        separator, quote, escape = self.dialect
        return csv.reader(
            lines, delimiter=separator, quotechar=quote, escapechar=escape,
            skipinitialspace=True, strict=True,
        )  # fmt: skip
