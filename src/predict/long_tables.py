"""Results written as CSV or Parquet of any length, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


class TableWriter:
    """Appends tables with the same columns to one file; a context manager."""

    def __init__(
        self,
        path: Path,
        parquet: bool,
        texts: tuple[str, ...],
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare to write.

        Args:
            texts: the columns that are text even if all are missing.
            metadata: what a Parquet file says of itself, beside its table.
        """
        self.path, self.parquet, self.texts = path, parquet, texts
        self.metadata = dict(metadata or {})
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
            self.writer.add_key_value_metadata(self.metadata)
        self.writer.write_table(content)
