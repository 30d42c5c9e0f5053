"""Dates as people write them; whether the day or the month comes first is decided per column.

Nothing is taken from the clock, as dateutil and dateparser do: a time, a word such as "today" or a
date without its year is no date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

from src.cleaning.cells import is_missing, value_as_text, visible

_YEARS = range(1900, 2101)
_LONGEST = 60
# With spaces and what cannot be seen.
_LONGEST_CELL = 1000
_UNREADABLE = "date cannot be read"
# A name or its beginning of three letters or more.
_MONTHS = (
    ("january", "января", "январь"), ("february", "февраля", "февраль"),
    ("march", "марта", "март"), ("april", "апреля", "апрель"), ("may", "мая", "май"),
    ("june", "июня", "июнь"), ("july", "июля", "июль"), ("august", "августа", "август"),
    ("september", "сентября", "сентябрь"), ("october", "октября", "октябрь"),
    ("november", "ноября", "ноябрь"), ("december", "декабря", "декабрь"),
)  # fmt: skip
_TIME = r"""(?:(?:,?\s|T) (?P<hour>[01]?\d|2[0-3]) : (?P<rest>[0-5]\d(?: :[0-5]\d(?:[.,]\d+)?)?)
    \s?(?P<half>[ap]\.?m\.?)? \s?(?P<zone>Z|UTC|GMT|[+-]\d\d(?: :?\d\d)?)?)?"""
_MONTH = r"(?P<name>[a-zа-я]{3,9})\.?"
_FORMS = [
    re.compile(rf"{form}{_TIME}", re.IGNORECASE | re.VERBOSE)
    for form in (
        r"(?P<year>\d{4}) (?P<mark>[-/.]) (?P<month>\d\d?) (?P=mark) (?P<day>\d\d?)",
        # With .0 it was a number in a column with gaps.
        r"(?P<year>\d{4}) (?P<month>\d\d) (?P<day>\d\d)(?:\.0)?",
        # 26-01-31 most likely begins with its year, so it is not read.
        r"(?P<first>\d\d?) (?P<mark>[-/.]) (?P<second>\d\d?) (?P=mark) (?P<year>\d{4}|(?<!-)\d\d)"
        r"(?:\s?г\.?)?",
        rf"(?:[a-z]{{3,9}},?\s)? (?P<day>\d\d?)(?:st|nd|rd|th)? [\s-] {_MONTH} ,?[\s-]"
        r"(?P<year>\d{4}) (?:\s?(?:г\.?|года))?",
        rf"(?:[a-z]{{3,9}},?\s)? {_MONTH} \s (?P<day>\d\d?)(?:st|nd|rd|th)?,?\s (?P<year>\d{{4}})",
    )
]


class DateCell(NamedTuple):
    """A day as YYYY-MM-DD or None; `problem` says why it cannot be used, or what is not certain."""

    value: str | None
    problem: str = ""


class _Written(NamedTuple):
    """How a date is written.

    Attributes:
        first, second: the month and the day, or the first and the second number.
        clock: the time as ISO 8601 has it, with T before it, or ''.
        mark: what stands between two numbers of which either may be the day; '' where the day is
            known.
        short: whether the year has two digits.
    """

    year: int
    first: int
    second: int
    clock: str
    mark: str = ""
    short: bool = False


class DateReader:
    """Reads the dates of one column, in the one order of day and month that its values show.

    A value of which only one order is possible shows it, such as 01/31/2025; where there is none,
    points between the numbers do, as nobody writes the month first with them. Where nothing
    decides, the day comes first, and `read` says so.

    Args:
        cells: the column; only counts are kept of it.
    """

    def __init__(self, cells: Iterable[object] = ()) -> None:
        self.day_first = self.month_first = self.points = self.seen = 0
        self.first_numbers: set[int] = set()
        self.short_years: set[int] = set()
        self.learn(cells)

    def learn(self, cells: Iterable[object]) -> None:
        """Take in further cells of the column, before any is read."""
        for cell in cells:
            written = _parse_cell(cell)
            if written is None or not written.mark:
                continue
            self.seen += written.first != written.second
            self.day_first += written.second <= 12 < written.first
            self.month_first += written.first <= 12 < written.second
            self.points += written.mark == "."
            if written.short:
                self.first_numbers.add(written.first)
                self.short_years.add(written.year)

    def read(self, cell: object) -> DateCell:
        """Read the UTC day of a date; an empty cell has none."""
        if is_missing(cell):
            return DateCell(None)
        if isinstance(cell, date) and cell.year in _YEARS:
            return DateCell(_utc_day(cell))
        written = _parse_cell(cell)
        if written is None:
            return DateCell(None, _UNREADABLE)
        return self._in_order(written) if written.mark else DateCell(*_day(written))

    def _in_order(self, written: _Written) -> DateCell:
        day_first, certain = self._order()
        order = "day/month/year" if day_first else "month/day/year"
        swapped = written._replace(first=written.second, second=written.first)
        day, problem = _day(swapped if day_first else written)
        if day is None:
            other, _ = _day(written if day_first else swapped)
            if other is not None:
                problem = f"date impossible as {order}, the order of its column"
            return DateCell(None, problem)
        if max(written.first, written.second) > 12 or written.first == written.second:
            certain = True
        # Days vary more than years; a year of two digits might stand first.
        if written.short and len(self.first_numbers) <= len(self.short_years):
            certain = False
        return DateCell(day, "" if certain else f"date read as {order}, which is not certain")

    @property
    def convention(self) -> str:
        """The order of the column's dates, e.g. "dates: day first", or '' if none needs one."""
        if not self.seen:
            return ""
        day_first, certain = self._order()
        ending = "" if certain else " (not certain)"
        return f"dates: {'day' if day_first else 'month'} first{ending}"

    def _order(self) -> tuple[bool, bool]:
        """Return whether the day comes first, and whether that is certain."""
        fewer, more = sorted((self.day_first, self.month_first))
        if not more:
            return True, self.points > 0
        # One slip in ten values does not unsettle a column.
        return self.day_first >= self.month_first, 10 * fewer <= more


def _parse_cell(cell: object) -> _Written | None:
    """Return how a date is written; a cell of another type means what its text means."""
    try:
        text = value_as_text(cell)
    except ValueError:
        # Bytes that are no text, or a number of thousands of digits.
        return None
    return _parse(text) if len(text) <= _LONGEST_CELL else None


@lru_cache(maxsize=2**14)
def _parse(cell: str) -> _Written | None:
    """Return how a date is written, or None if it is none."""
    text = visible(cell)
    if len(text) > _LONGEST:
        return None
    found = next(filter(None, (form.fullmatch(text) for form in _FORMS)), None)
    if found is None:
        return None
    parts = {"first": "", "mark": ""} | found.groupdict()
    year = int(parts["year"])
    if len(parts["year"]) == 2:
        # As POSIX reads two digits.
        year += 2000 if year < 69 else 1900
    if year not in _YEARS:
        return None
    clock = _clock(parts)
    if parts["first"]:
        short = len(parts["year"]) == 2
        first, second = int(parts["first"]), int(parts["second"])
        return _Written(year, first, second, clock, parts["mark"], short)
    month = int(parts["month"]) if "month" in parts else _month(parts["name"].lower())
    return None if month is None else _Written(year, month, int(parts["day"]), clock)


def _month(name: str) -> int | None:
    for number, names in enumerate(_MONTHS, start=1):
        if any(full.startswith(name) for full in names):
            return number
    return None


def _clock(parts: dict[str, str]) -> str:
    if not parts["hour"]:
        return ""
    hour = int(parts["hour"])
    if parts["half"]:
        hour = hour % 12 + (12 if parts["half"][0] in "pP" else 0)
    zone = (parts["zone"] or "").upper().replace("UTC", "Z").replace("GMT", "Z")
    return f"T{hour:02}:{parts['rest'].replace(',', '.')}{zone}"


def _day(written: _Written) -> tuple[str | None, str]:
    """Return the UTC day of a date with its month first, or None and the reason."""
    text = f"{written.year:04}-{written.first:02}-{written.second:02}{written.clock}"
    try:
        return _utc_day(datetime.fromisoformat(text)), ""
    except ValueError:
        return None, "date does not exist"


def _utc_day(moment: date) -> str:
    if isinstance(moment, datetime):
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()
    return moment.isoformat()
