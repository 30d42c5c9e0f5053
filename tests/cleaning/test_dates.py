"""Dates in the cells of a table: what is read, what is noted, what a column decides."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.cleaning.dates import DateCell, DateReader

DAY_FIRST, MONTH_FIRST = "day/month/year", "month/day/year"


def read_alone(cell: object) -> DateCell:
    """Read a date that no other one helps to read."""
    return DateReader([cell]).read(cell)


def not_certain(order: str) -> str:
    return f"date read as {order}, which is not certain"


@pytest.mark.parametrize(
    "cell",
    ["2026-01-31", "2026-01-31T23:30:00+00:00", "2026-02-01 01:30:00+03:00", "20260131"]
    + ["31.01.2026", "31.1.2026 г.", "31/01/2026", "01/31/2026", "31-01-2026", "2026.01.31"]
    + [" 2026/01/31 10:00 ", "31.01.2026, 18:53", "1/31/2026 10:30:00 PM", "2026-1-31"]
    + ["31 января 2026 г.", "31 янв. 2026", "31 Января 2026 года", "Jan 31, 2026", "31-Jan-2026"]
    + ["31st January 2026", "Sat, 31 Jan 2026 10:00:00 GMT", "Fri, 30 Jan 2026 23:00:00 -0300"]
    + ["2026-01-31 10:00:00.123456789", "2026-01-31T10:00Z", "31.01.2026\u00a010:00"]
    + ["20260131.0", 20260131, 20260131.0, Decimal(20260131), b"20260131", b"31.01.2026"]
    + [date(2026, 1, 31), datetime(2026, 1, 31, 12), pd.Timestamp("2026-02-01 01:30+03:00")],
)
def test_a_date_becomes_an_iso_day(cell: object) -> None:
    assert read_alone(cell) == ("2026-01-31", "")


@pytest.mark.parametrize(
    "cell",
    ["10:30", "18:53.8", "now", "today", "may", "may 5", "31 января", "31.01", "сегодня 10:30"]
    + ["2025", "2025-01", "01.2025", "yesterday-ish", "7916-123-45-67", "0", "45678", "5.5"]
    + ["1769817600", "26-01-31", "9999-12-31", "31 Janeiro 2026", "31.01.2026 10:00 MSK"]
    + ["2026-01-31 25:00", "1" * 61, date(1, 1, 1), 45678, 1.5]
    + [
        True,
        b"\xff",
        ["2026-01-31"],
        {"day": "2026-01-31"},
        time(10, 30),
        timedelta(1),
        1769817600,
    ],
)
def test_nothing_is_taken_from_the_clock_or_guessed(cell: object) -> None:
    assert read_alone(cell) == (None, "date cannot be read")


@pytest.mark.parametrize("cell", ["32.01.2026", "30.02.2026", "2026-13-01", "20260230", "0.1.2026"])
def test_a_day_that_does_not_exist_is_noted(cell: str) -> None:
    assert read_alone(cell) == (None, "date does not exist")


@pytest.mark.parametrize("cell", ["", " ", "-", "NaT", None, pd.NaT, float("nan"), b"", b"nan"])
def test_an_empty_cell_has_no_date_and_no_problem(cell: object) -> None:
    assert read_alone(cell) == (None, "")


def test_a_single_open_date_is_day_first_and_said_to_be_open() -> None:
    assert read_alone("02/03/2025") == ("2025-03-02", not_certain(DAY_FIRST))
    assert read_alone("03/03/2025") == ("2025-03-03", "")


@pytest.mark.parametrize(
    ("others", "cell", "found", "convention"),
    [
        ([b"01/31/2025"], "02/03/2025", ("2025-02-03", ""), "month first"),
        (["01/31/2025"], "02/03/2025", ("2025-02-03", ""), "month first"),
        (["31/01/2025"], "02/03/2025", ("2025-03-02", ""), "day first"),
        (["31.01.2025"], "02/03/2025", ("2025-03-02", ""), "day first"),
        (["05.01.2025"], "02/03/2025", ("2025-03-02", ""), "day first"),
        (["01.31.2025"], "02.03.2025", ("2025-02-03", ""), "month first"),
        (
            ["2025-01-31"],
            "02/03/2025",
            ("2025-03-02", not_certain(DAY_FIRST)),
            "day first (not certain)",
        ),
        (
            ["01/31/2025"] * 9 + ["31/01/2025"],
            "02/03/2025",
            ("2025-02-03", not_certain(MONTH_FIRST)),
            "month first (not certain)",
        ),
        (["01/31/2025"] * 20 + ["31/01/2025"], "02/03/2025", ("2025-02-03", ""), "month first"),
    ],
)  # fmt: skip
def test_one_order_for_a_column(
    others: list[object], cell: str, found: tuple[str, str], convention: str
) -> None:
    reader = DateReader(iter([*others, cell]))
    assert reader.read(cell) == found
    assert reader.convention == f"dates: {convention}"


def test_what_is_impossible_in_the_order_of_the_column_is_noted() -> None:
    reader = DateReader(["01/31/2025"] * 20 + ["31/01/2025"])
    problem = f"date impossible as {MONTH_FIRST}, the order of its column"
    assert reader.read("31/01/2025") == (None, problem)
    assert reader.read("01/31/2025") == ("2025-01-31", "")


def test_a_year_of_two_digits_is_certain_where_days_vary_more_than_years() -> None:
    assert read_alone("31.01.26") == ("2026-01-31", not_certain(DAY_FIRST))
    reader = DateReader(["31.01.26", "02.01.26", "15.12.25"])
    assert reader.read("02.01.26") == ("2026-01-02", "")


def test_dates_that_need_no_order_have_no_convention() -> None:
    assert DateReader(["2026-01-31", "31 Jan 2026", "05/05/2026", "now", ""]).convention == ""


@given(
    st.lists(st.dates(date(1900, 1, 1), date(2100, 12, 31)), max_size=8),
    st.sampled_from(
        ["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"]
    ),
    st.sampled_from(["", " 10:30", " 23:59:59", ", 00:00"]),
)  # fmt: skip
def test_a_column_in_any_order_is_read_to_its_days(days: list[date], form: str, time: str) -> None:
    # One day shows the order.
    days = [*days, date(2025, 1, 31)]
    cells = [day.strftime(form).zfill(len("20250131")) + time for day in days]
    reader = DateReader(cells)
    assert [reader.read(cell) for cell in cells] == [(day.isoformat(), "") for day in days]


@given(st.datetimes(datetime(1900, 1, 2), datetime(2100, 12, 30)), st.integers(-12, 14))
def test_the_day_is_that_of_utc(moment: datetime, hours: int) -> None:
    text = f"{moment.isoformat(' ', 'seconds')}{hours:+03}:00"
    day = (moment.replace(microsecond=0) - timedelta(hours=hours)).date()
    assert read_alone(text) == (day.isoformat(), "")


@given(st.lists(st.text(max_size=30)), st.text(max_size=70))
def test_no_text_raises(others: list[str], text: str) -> None:
    value, _ = DateReader([*others, text]).read(text)
    assert value is None or date.fromisoformat(value)
