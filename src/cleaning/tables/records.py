"""Lines of CSV joined to records by the csv module, strictly; a broken record costs one line."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple, TextIO

# Characters of a row; longer ones, such as one without a line end, are not kept in memory.
LONGEST = 16_000_000
csv.field_size_limit(LONGEST)


class Dialect(NamedTuple):
    """How cells are separated and quoted; `escape` is a backslash where quotes have one."""

    separator: str
    quote: str = '"'
    escape: str | None = None


class CsvRecord(NamedTuple):
    """The lines of one record; `cells` is None where quotes do not pair or it is too `long`.

    `open`: the file ends within its quotes.
    """

    lines: list[str]
    cells: list[str] | None
    long: bool = False
    open: bool = False


def limited_lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file; of one that is too long, only as much as tells that it is."""
    limit = LONGEST + 1
    while line := file.readline(limit):
        yield line
        while len(line) == limit and line[-1] not in "\r\n":
            line = file.readline(limit)


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
            cells: list[str] | None = next(self._reader)
        except csv.Error:
            cells = None
        long = sum(map(len, taken)) > LONGEST
        record = CsvRecord(taken, None if long else cells, long)
        if record.cells is None:
            record = record._replace(lines=taken[:1], open=not self.peek())
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
            self._lines.give_back([self._lines.taken.pop()])
        return line

    def alone(self, line: str) -> list[str]:
        """Return the cells of a line as if it were a record; quotes that do not pair are text."""
        try:
            return next(self._parse([line]), [])
        except csv.Error:
            return self.literal(line)

    def literal(self, line: str) -> list[str]:
        """Return the cells of a line in which quotes are text; none if it is too long."""
        if len(line) > LONGEST:
            return []
        try:
            separator = self.dialect.separator
            return next(csv.reader([line], delimiter=separator, quoting=csv.QUOTE_NONE), [])
        except csv.Error:
            return []

    def _parse(self, lines: Iterable[str]) -> Iterator[list[str]]:
        separator, quote, escape = self.dialect
        if escape:
            # The csv module would drop every backslash; one that escapes nothing is text.
            backslash = re.compile(rf"\\([\\{quote}])?")
            lines = map(
                partial(backslash.sub, lambda found: found[0] if found[1] else r"\\"), lines
            )
        return csv.reader(
            lines, delimiter=separator, quotechar=quote, escapechar=escape,
            skipinitialspace=True, strict=True,
        )  # fmt: skip
