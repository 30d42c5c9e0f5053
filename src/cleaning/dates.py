"""Dates as people write them in the cells of a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from src.cleaning.tables.cells import value_as_text


class DateCell(NamedTuple):
    """A day as YYYY-MM-DD or None; `problem` says why a date that is there cannot be used."""

    value: str | None
    problem: str = ""


def read_date(cell: str) -> DateCell:
    """Read the UTC day of a date; 03/02/2026 is 3 February, 2026/02/03 too."""
    text = cell.strip()
    if not text:
        return DateCell(None)
    date = pd.to_datetime(text, errors="coerce", utc=True, dayfirst=not text[:4].isdecimal())
    if pd.isna(date):
        return DateCell(None, "date cannot be read")
    return DateCell(str(date.date().isoformat()))


class DateReader:
    """STAND-IN for the reader that decides a column's order."""

    def __init__(self, cells: Iterable[object]) -> None:
        self.convention = ""
        for _ in cells:
            pass

    def read(self, cell: object) -> DateCell:
        return read_date(value_as_text(cell))
