"""Rows of a Parquet file, a batch at a time."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from src.cleaning.cells import value_as_text
from src.cleaning.tables.row import Row
from src.core.errors import UserError

NOT_UTF8 = "bytes that are not UTF-8 text"
NO_TEXT = "a list or struct where a text belongs"
OUT_OF_RANGE = "a value out of range, such as a date after the year 9999"
_BATCH = 1000
_LAST = b"PAR1"
_EXACT = {pa.float64(): 2**53, pa.float32(): 2**24, pa.float16(): 2**11}


class ParquetTable:
    """A Parquet file; attributes and methods as of `CsvTable`.

    An index that pandas has stored under a name is a column like others.
    """

    about = "Parquet"

    def __init__(self, path: Path) -> None:
        self.path = path
        _require_end(path)
        with pq.ParquetFile(path) as file:
            self.schema, rows = file.schema_arrow, file.metadata.num_rows
        self.stored = list(map(str, self.schema.names))
        self.counted = _counted_index(self.schema, rows)
        self.columns = [*self.stored, *self.counted]
        limits = ((n, _EXACT.get(_of_values(kind))) for n, kind in enumerate(self.schema.types))
        self.exact = {n: limit for n, limit in limits if limit}

    def rows(self, positions: Mapping[str, int], raw: Collection[str] = ()) -> Iterator[Row]:
        """Yield all rows with the cells at `positions` by field, those in `raw` as stored.

        A value that Python cannot hold costs its row, or in a field of `raw` becomes its reason.
        """
        names = {field: self.columns[position] for field, position in positions.items()}
        stored = {field: name for field, name in names.items() if name not in self.counted}
        number = 0
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(_BATCH, columns=list(set(stored.values()))):
                ahead = slice(number, number + batch.num_rows)
                columns: dict[str, Any] = {
                    field: _values(batch.column(name))
                    if field in stored
                    else self.counted[name][ahead]
                    for field, name in names.items()
                }
                for row in range(batch.num_rows):
                    number += 1
                    try:
                        cells = {
                            field: _stored(values[row]) if field in raw else _text(values[row])
                            for field, values in columns.items()
                        }
                        yield Row(f"row {number}", cells)
                    except UnicodeDecodeError:
                        yield Row(f"row {number}", {}, NOT_UTF8)
                    except _Unusable as error:
                        yield Row(f"row {number}", {}, str(error))


def _require_end(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(-len(_LAST), os.SEEK_END)
        if file.read() != _LAST:
            raise UserError(f"{path} is a Parquet file whose end is missing; copy or make it again")


class _Unusable(ValueError):
    """A value that Python cannot hold; the message is the reason."""


def _values(column: pa.Array) -> list[Any]:
    """Return the values of a column, with an error in the place of one that Python cannot hold."""
    if pa.types.is_timestamp(column.type) and column.type.tz:
        # A moment needs no zone, of which not every machine knows each name.
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        return list(map(_value, column))


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return _Unusable(NOT_UTF8)
    except (OverflowError, ValueError):
        return _Unusable(OUT_OF_RANGE)


def _text(value: Any) -> str:
    if isinstance(value, _Unusable):
        raise value
    if isinstance(value, list | dict):
        raise _Unusable(NO_TEXT)
    return value_as_text(value)


def _stored(value: Any) -> Any:
    # Whoever reads a price, date or photo finds that this text is none, and the row is kept.
    return str(value) if isinstance(value, _Unusable) else value


def _of_values(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _counted_index(schema: pa.Schema, rows: int) -> dict[str, range]:
    """Return the index that pandas does not store because it counts, by its name if it has one."""
    counted = {}
    for kind in (schema.pandas_metadata or {}).get("index_columns", []):
        if isinstance(kind, dict) and kind.get("name"):
            index = range(kind["start"], kind["stop"], kind["step"])
            # Files joined to one keep the index of the first.
            if len(index) == rows:
                counted[str(kind["name"])] = index
    return counted
