"""The user's own CSV and Parquet files: separators, encodings, one line where unreadable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from src.core.errors import UserError

PARQUET = (".parquet", ".pq")


def is_parquet(path: Path) -> bool:
    """Return whether the file's name ends as a Parquet file's."""
    return path.suffix.lower() in PARQUET


def csv_layout(path: Path) -> dict[str, Any]:
    """Return the arguments with which `pandas.read_csv` reads a table, every cell as text.

    The separator is the comma, semicolon or tab that the header has most of.
    """
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline()
    return {
        "sep": max(",;\t", key=header.count),
        "dtype": str,
        # An empty cell is empty; a title "NA" or "null" is a title.
        "keep_default_na": False,
        "encoding": "utf-8-sig",
    }


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Read the table at `path` inside this context.

    Raises:
        UserError: it cannot be read as CSV in UTF-8 or as Parquet.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text; save it as CSV UTF-8 or as Parquet") from error
    except (ValueError, OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} cannot be read as CSV or Parquet: {reason}") from error


def as_text(column: pd.Series) -> pd.Series:
    """Return the column as text, '' where missing; 7.0 from numbers with gaps becomes "7"."""

    def text(value: Any) -> str:
        # For a list in a cell, isna would return an array.
        if pd.api.types.is_scalar(value) and pd.isna(value):
            return ""
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value)

    return column.astype(object).map(text).astype(object)
