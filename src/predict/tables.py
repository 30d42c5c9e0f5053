"""CSV and Parquet files of any length, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from src.core.errors import UserError
from src.core.tables import csv_layout, is_parquet, readable

COUNTED_AT_ONCE = 10_000


def shape(path: Path) -> tuple[int, list[str]]:
    """Return the number of rows and the names of the columns.

    Raises:
        UserError: there is no such file, or it is neither CSV in UTF-8 nor Parquet.
    """
    if not path.exists():
        raise UserError(f"{path}: there is no such file of listings")
    with readable(path):
        if is_parquet(path):
            stored = pq.ParquetFile(path)
            return stored.metadata.num_rows, list(stored.schema_arrow.names)
        columns = pd.read_csv(path, nrows=0, **csv_layout(path)).columns
        counted = pd.read_csv(path, chunksize=COUNTED_AT_ONCE, usecols=[0], **csv_layout(path))
        return sum(len(piece) for piece in counted), list(map(str, columns))


def pieces(path: Path, size: int) -> Iterator[pd.DataFrame]:
    """Give the rows of a table, at most `size` at a time; raises UserError as `shape` does."""
    with readable(path):
        if is_parquet(path):
            for part in pq.ParquetFile(path).iter_batches(size):
                yield part.to_pandas()
        else:
            yield from pd.read_csv(path, chunksize=size, **csv_layout(path))


class Writer:
    """Appends tables of equal columns to one file, a context manager."""

    def __init__(self, path: Path, parquet: bool, texts: tuple[str, ...]) -> None:
        """Open nothing yet; `texts` names the columns that are text even if all are missing."""
        self.path, self.parquet, self.texts = path, parquet, texts
        self.begun = False
        self.writer: Any = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            self.writer.close()

    def write(self, table: pd.DataFrame) -> None:
        if self.parquet:
            content = pa.Table.from_pandas(
                table.astype(dict.fromkeys(self.texts, "str")), preserve_index=False
            )
            if self.writer is None:
                self.writer = pq.ParquetWriter(self.path, content.schema)
            self.writer.write_table(content)
        else:
            table.to_csv(
                self.path, mode="a", header=not self.begun, index=False, float_format="%.6g"
            )
        self.begun = True
