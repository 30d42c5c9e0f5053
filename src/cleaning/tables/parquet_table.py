"""Rows of a Parquet file, a batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from src.cleaning.tables.cells import value_as_text
from src.cleaning.tables.row import Row

BYTES = "bytes that are not UTF-8 text"
_BATCH = 1000
_EXACT = {pa.float64(): 2**53, pa.float32(): 2**24, pa.float16(): 2**11}


class ParquetTable:
    """A Parquet file; attributes and methods as of `CsvTable`.

    An index that pandas has stored is a column like others.
    """

    about = "Parquet"

    def __init__(self, path: Path) -> None:
        self.path = path
        with pq.ParquetFile(path) as file:
            self.schema = file.schema_arrow
        self.columns = list(map(str, self.schema.names))

    def rows(self, positions: Mapping[str, int], raw: Collection[str] = ()) -> Iterator[Row]:
        """Yield all rows with the cells at `positions` by field, those in `raw` as stored."""
        number = 0
        with pq.ParquetFile(self.path) as file:
            names = list(dict.fromkeys(self.columns[position] for position in positions.values()))
            for batch in file.iter_batches(_BATCH, columns=names):
                columns = {
                    field: batch.column(self.columns[position]).to_pylist()
                    for field, position in positions.items()
                }
                for row in range(batch.num_rows):
                    number += 1
                    try:
                        cells = {
                            field: values[row] if field in raw else value_as_text(values[row])
                            for field, values in columns.items()
                        }
                        yield Row(f"row {number}", cells)
                    except UnicodeDecodeError:
                        yield Row(f"row {number}", {}, BYTES)

    def exact_up_to(self, column: int) -> int | None:
        """Return the largest integer that the column's type holds exactly; None for others."""
        return _EXACT.get(self.schema.field(column).type)
