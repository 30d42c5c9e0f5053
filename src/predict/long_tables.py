"""CSV and Parquet files of any length, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from src.cleaning.tables import csv_layout, is_parquet, readable
from src.core.errors import UserError

_COUNTED_AT_ONCE = 10_000


def read_layout(path: Path) -> tuple[int, list[str]]:
    """Return the number of rows and the names of the columns.

    Raises:
        UserError: there is no such file, or it is neither CSV in UTF-8 nor Parquet.
    """
    if not path.exists():
        raise UserError(f"{path}: there is no such file; give a CSV or Parquet file of listings")
    with readable(path):
        if is_parquet(path):
            stored = pq.ParquetFile(path)
            return stored.metadata.num_rows, list(stored.schema_arrow.names)
        layout = csv_layout(path)
        columns = pd.read_csv(path, nrows=0, **layout).columns
        counted = pd.read_csv(path, chunksize=_COUNTED_AT_ONCE, usecols=[0], **layout)
        return sum(len(rows) for rows in counted), list(map(str, columns))


def read_batches(path: Path, batch: int) -> Iterator[pd.DataFrame]:
    """Read at most `batch` rows of a table at a time; raises UserError as `read_layout` does."""
    with readable(path):
        if is_parquet(path):
            for rows in pq.ParquetFile(path).iter_batches(batch):
                yield rows.to_pandas()
        else:
            yield from pd.read_csv(path, chunksize=batch, **csv_layout(path))


class TableWriter:
    """Appends tables with the same columns to one file; a context manager."""

    def __init__(self, path: Path, parquet: bool, texts: tuple[str, ...]) -> None:
        """Prepare to write; `texts` names the columns that are text even if all are missing."""
        self.path, self.parquet, self.texts = path, parquet, texts
        self.has_header = False
        self.writer: Any = None

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            self.writer.close()

    def write(self, table: pd.DataFrame) -> None:
        if not self.parquet:
            header = not self.has_header
            table.to_csv(self.path, mode="a", header=header, index=False, float_format="%.6g")
            self.has_header = True
            return
        content = pa.Table.from_pandas(
            table.astype(dict.fromkeys(self.texts, "str")), preserve_index=False
        )
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.path, content.schema)
        self.writer.write_table(content)
