"""Dates as people write them in the cells of a table."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd


class Date(NamedTuple):
    """An ISO date, None where there is none; `problem` says why one that was given is not used."""

    value: str | None
    problem: str = ""


def read_date(cell: str) -> Date:
    """Read the day of a date; day first, as most of the world writes it, unless the year is."""
    given = cell.strip()
    if not given:
        return Date(None)
    day = pd.to_datetime(given, errors="coerce", utc=True, dayfirst=not given[:4].isdecimal())
    if pd.isna(day):
        return Date(None, "date cannot be read")
    return Date(str(day.date().isoformat()))
