"""Open the user's own table, whatever its format, and find columns in it."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from src.cleaning.cells import visible
from src.cleaning.tables.contents import holds_parquet
from src.cleaning.tables.csv_table import CsvTable
from src.cleaning.tables.parquet_table import ParquetTable
from src.cleaning.tables.row import Row
from src.core.errors import UserError


class UserTable:
    """A CSV or Parquet file that can be read several times, row by row, in flat memory.

    Args:
        wanted: names of columns that the table should have; they help to tell separators apart.

    Attributes:
        columns: names of the columns.
        about: how the file is read, in words.
        exact: for columns of floats, by position, the largest integer that their type holds.

    Raises:
        UserError: there is no such file, or it is no table that can be read.
    """

    def __init__(self, path: Path, wanted: Collection[str] = ()) -> None:
        self.path = path
        with _readable(path):
            self._table: CsvTable | ParquetTable = (
                ParquetTable(path) if holds_parquet(path) else CsvTable(path, wanted)
            )
            self._state = _state(path)
        self.columns = self._table.columns
        self.about = self._table.about
        self.exact = self._table.exact

    def find(self, name: str) -> int | None:
        """Return the position of a column; None if there is none.

        Names are equal if only what cannot be seen differs.

        Raises:
            UserError: several columns have this name.
        """
        seen = visible(name)
        found = [n for n, column in enumerate(self.columns) if visible(column) == seen and seen]
        if len(found) > 1:
            raise UserError(
                f"{self.path} has {len(found)} columns named {name!r}; rename all but one"
            )
        return found[0] if found else None

    def positions(
        self, columns: Iterable[tuple[str, str]]
    ) -> tuple[dict[str, int], dict[str, str]]:
        """Return where each field is, and the names of the columns that the table lacks, by field.

        Args:
            columns: fields with the names of their columns; '' for none.

        Raises:
            UserError: as `find`.
        """
        positions, lacking = {}, {}
        for field, name in columns:
            if name and (position := self.find(name)) is not None:
                positions[field] = position
            elif name:
                lacking[field] = name
        return positions, lacking

    def rows(self, positions: Mapping[str, int], raw: Collection[str] = ()) -> Iterator[Row]:
        """Yield all rows, in order, with the cells at `positions` by field.

        Args:
            raw: fields whose values are handed over as Parquet has them, not as text.

        Raises:
            UserError: the file cannot be read any further, or has changed since it was opened.
        """
        with _readable(self.path):
            yield from self._table.rows(positions, raw)
            if _state(self.path) != self._state:
                raise UserError(f"{self.path} has changed while it was read; run this again")


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError, EOFError, zlib.error, pa.ArrowException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} cannot be read as CSV or Parquet: {reason}") from error
