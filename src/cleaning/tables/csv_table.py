"""Rows of a CSV file: cells are counted, and quotes that do not pair cost the row they are in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from src.cleaning.cells import visible
from src.cleaning.tables.detect import detect_layout
from src.cleaning.tables.encoding import MARK, detect_encoding, open_text
from src.cleaning.tables.records import LONGEST, CsvRecord, Records, limited_lines
from src.cleaning.tables.row import Row
from src.cleaning.tables.stray import RowShape

WIDTH = "more or fewer cells than the header"
QUOTE = "quotes that do not pair"
BYTES = "bytes that are not in the file's encoding"
LONG = f"row longer than {LONGEST:,} characters"
EMPTY = "empty row"
LIKE_ROWS = "lines of a quoted text that look like rows"
HEADER = "a repeated header"
AS_IT_STANDS = "quotes that do not pair, read as text"


class _Cells(NamedTuple):
    """The cells of one record, or its fault."""

    first_line: int
    lines: int
    cells: list[str]
    fault: str = ""
    note: str = ""


class CsvTable:
    """A CSV file, whose encoding and layout are found out.

    Attributes:
        columns: names of the columns, '' where the header has none.
        about: how the file is read, in words.
        exact: none, see `UserTable`.

    Raises:
        UserError: see `detect_encoding` and `detect_layout`.
    """

    exact: Mapping[int, int] = {}

    def __init__(self, path: Path, wanted: Collection[str]) -> None:
        self.path = path
        self.encoding = detect_encoding(path)
        self.layout = detect_layout(path, self.encoding, wanted)
        self.columns = self.layout.header
        one = len(self.columns) == 1
        cells = "with one column" if one else f"separated by {self.layout.separator}"
        self.about = f"CSV in {self.encoding.words}, {cells}"

    def rows(self, positions: Mapping[str, int], raw: Collection[str] = ()) -> Iterator[Row]:
        """Yield all rows with the cells at `positions` by field; blank lines are none."""
        fields = list(positions.items())
        for first, n, cells, fault, note in self._checked():
            where = f"line {first}" if n == 1 else f"lines {first}-{first + n - 1}"
            if fault:
                yield Row(where, {}, fault)
                continue
            named = {field: cells[position] for field, position in fields}
            if self.encoding.damaged and any(MARK in cell for cell in named.values()):
                yield Row(where, {}, BYTES)
            else:
                yield Row(where, named, note=note)

    @cached_property
    def _shape(self) -> RowShape:
        return RowShape(len(self.columns), self.layout.sample)

    def _checked(self) -> Iterator[_Cells]:
        skip = self.layout.skip
        with open_text(self.path, self.encoding) as file:
            records = Records(islice(limited_lines(file), skip, None), self.layout.dialect)
            while not next(records).cells:
                pass
            # The row before, and the fault of a broken one whose text may go on in the next lines.
            before: list[str] = []
            going_on = ""
            for record in records:
                checked = self._check(record, records, before)
                if checked is None:
                    continue
                if going_on and self._may_go_on(checked):
                    checked = checked._replace(fault=going_on)
                if checked.fault in (QUOTE, LONG):
                    going_on = checked.fault
                elif not checked.fault:
                    before, going_on = checked.cells, ""
                yield checked._replace(first_line=skip + records.next_line - checked.lines)

    def _check(self, record: CsvRecord, records: Records, before: list[str]) -> _Cells | None:
        """Return the cells of a record or its fault; None for a blank line."""
        cells, n = record.cells, len(record.lines)
        if cells is None:
            return self._broken(record, records)
        if not any(cells):
            # Of several cells: what Excel writes for an empty row.
            return _Cells(0, n, [], EMPTY) if len(cells) > 1 else None
        fits, note = self._fits(cells), ""
        if n > 1:
            lines = self._alone(record.lines, records)
            joined: bool | None = self._shape.joined(lines)
            if fits:
                after = records.alone(records.peek())
                joined = self._shape.joined_to_one(cells, lines, before, after)
            if joined:
                return self._broken(record, records)
            note = LIKE_ROWS if joined is None else ""
        if self._is_header(cells):
            return _Cells(0, n, [], HEADER)
        return _Cells(0, n, cells, "" if fits else WIDTH, note)

    def _alone(self, lines: list[str], records: Records) -> list[list[str]]:
        """Return the cells of each line by itself; of later ones none if too few for a row."""
        separator, enough = self.layout.dialect.separator, len(self.columns) - 1
        return [
            records.alone(line) if n == 0 or line.count(separator) >= enough else []
            for n, line in enumerate(lines)
        ]

    def _is_header(self, cells: list[str]) -> bool:
        names = self.columns
        if visible(cells[0]) != names[0]:
            return False
        given = len(cells)
        return list(map(visible, cells)) == names[:given] and not any(names[given:])

    def _fits(self, cells: list[str]) -> bool:
        unnamed = self.layout.unnamed
        return len(cells) == len(self.columns) and not (
            unnamed and any(map(str.strip, cells[-unnamed:]))
        )

    def _is_row(self, cells: list[str]) -> bool:
        return self._fits(cells) and (not self._shape.tells or self._shape.looks_like_row(cells))

    def _may_go_on(self, checked: _Cells) -> bool:
        """Lines of a text may have as many cells as a row."""
        return checked.fault == QUOTE or not (checked.fault or self._is_row(checked.cells))

    def _broken(self, record: CsvRecord, records: Records) -> _Cells:
        """Return what the first line of a broken record is by itself; the others are read again."""
        first, *others = record.lines
        records.give_back(others)
        literal = records.literal(first)
        following = records.peek()
        # If the next line is no row, the text of this one may go on there.
        if self._fits(literal) and (
            not following.strip() or self._is_row(records.alone(following))
        ):
            return _Cells(0, 1, literal, note=AS_IT_STANDS)
        return _Cells(0, 1, [], LONG if record.long else QUOTE)
