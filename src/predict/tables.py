"""CSV and Parquet files of any length, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from src.errors import UserError

PARQUET = (".parquet", ".pq")
COUNTED_AT_ONCE = 10_000


def is_parquet(path: Path) -> bool:
    return path.suffix.lower() in PARQUET


def shape(path: Path) -> tuple[int, list[str]]:
    """Return the number of rows and the names of the columns.

    Raises:
        UserError: there is no such file, or it is neither CSV in UTF-8 nor Parquet.
    """
    if not path.exists():
        raise UserError(f"{path}: there is no such file of listings")
    with _readable(path):
        if is_parquet(path):
            stored = pq.ParquetFile(path)
            return stored.metadata.num_rows, list(stored.schema_arrow.names)
        columns = pd.read_csv(path, nrows=0, **_layout(path)).columns
        counted = pd.read_csv(path, chunksize=COUNTED_AT_ONCE, usecols=[0], **_layout(path))
        return sum(len(piece) for piece in counted), list(map(str, columns))


def pieces(path: Path, size: int) -> Iterator[pd.DataFrame]:
    """Give the rows of a table, at most `size` at a time; raises UserError as `shape` does."""
    with _readable(path):
        if is_parquet(path):
            for part in pq.ParquetFile(path).iter_batches(size):
                yield part.to_pandas()
        else:
            yield from pd.read_csv(path, chunksize=size, **_layout(path))


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


def _layout(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline()
    # As the collect stage reads it: an empty cell is empty; a title "NA" or "null" is a title.
    return {
        "sep": max(",;\t", key=header.count),
        "dtype": str,
        "keep_default_na": False,
        "encoding": "utf-8-sig",
    }


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text; save it as CSV UTF-8 or as Parquet") from error
    except (ValueError, IsADirectoryError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} cannot be read as CSV or Parquet: {reason}") from error
