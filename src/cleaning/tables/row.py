"""One row of a table, as its readers hand it over."""

from __future__ import annotations

from typing import Any, NamedTuple

# Fields whose readers take values as Parquet has them, not as text.
RAW_FIELDS = frozenset(("price", "listed", "photo"))


class Row(NamedTuple):
    """A row, or lines of the file that are none.

    Attributes:
        where: the line or lines of a CSV file, or the number of a row in Parquet.
        cells: by field; texts, except fields that were asked for as they are. Empty with a fault.
        fault: why the row cannot be used.
        note: what is odd about a row that can be used.
    """

    where: str
    cells: dict[str, Any]
    fault: str = ""
    note: str = ""
