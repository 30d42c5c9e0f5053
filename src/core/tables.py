"""CSV and Parquet files as people have them: separators, encodings, one line when unreadable."""

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
    return path.suffix.lower() in PARQUET


def csv_layout(path: Path) -> dict[str, Any]:
    """Return what `pandas.read_csv` has to be told of a file of listings; all cells are text."""
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
    """Read a table in the body of the `with`; raises UserError where that cannot be done."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text; save it as CSV UTF-8 or as Parquet") from error
    except (ValueError, OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} cannot be read as CSV or Parquet: {reason}") from error


def as_text(column: pd.Series) -> pd.Series:
    """Text, empty where missing; 7.0 from a column of numbers with gaps is "7"."""

    def text(value: Any) -> str:
        # Of a list or the like in a cell, isna would be an array.
        if pd.api.types.is_scalar(value) and pd.isna(value):
            return ""
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value)

    return column.astype(object).map(text).astype(object)
