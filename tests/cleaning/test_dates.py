"""Dates in the cells of the user's table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.cleaning.dates import read_date


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T23:30:00+00:00", "2026-01-31"),
        ("2026-02-01 01:30:00+03:00", "2026-01-31"),
        ("31.01.2026", "2026-01-31"),
        ("03/02/2026", "2026-02-03"),
        (" 2026/01/31 10:00 ", "2026-01-31"),
        ("", None),
    ],
)
def test_a_date_becomes_an_iso_day(cell: str, day: str | None) -> None:
    assert read_date(cell) == (day, "")


@pytest.mark.parametrize("cell", ["yesterday-ish", "32.01.2026", "7916-123-45-67", "0"])
def test_what_is_not_a_date_has_a_problem(cell: str) -> None:
    assert read_date(cell) == (None, "date cannot be read")


@given(st.text(max_size=30))
def test_no_text_raises(text: str) -> None:
    value, problem = read_date(text)
    assert value is None or not problem
