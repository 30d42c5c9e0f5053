"""Dates in the cells of the user's table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.cleaning.prices import date_of
from src.collect.found import Found


@pytest.mark.parametrize(
    ("given_", "day"),
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
def test_a_date_becomes_an_iso_day(given_: str, day: str | None) -> None:
    found = Found([], [], [])
    assert date_of({"id": "1", "listed": given_}, found) == day
    assert not found.noted


@pytest.mark.parametrize("given_", ["yesterday-ish", "32.01.2026", "7916-123-45-67", "0"])
def test_what_is_no_date_is_noted(given_: str) -> None:
    found = Found([], [], [])
    assert date_of({"id": "1", "listed": given_}, found) is None
    assert [note.reason for note in found.noted] == ["date cannot be read"]


@given(st.text(max_size=30))
def test_no_text_raises(text: str) -> None:
    date_of({"id": "1", "listed": text}, Found([], [], []))
