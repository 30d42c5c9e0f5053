"""Ids as programs write them."""

from __future__ import annotations

import pytest

from src.cleaning.ids import LOST, NONE, ODD, read_id


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", "1"), (" 007 ", "007"), ("10001.0", "10001"),
        ("a-B_9", "a-B_9"),
        ("\ufeff5\u200b", "5"), ("12e5", "12e5"), ("9007199254740993", "9007199254740993"),
        ("x" * 64, "x" * 64),
    ],
)  # fmt: skip
def test_an_id_is_read(cell: str, value: str) -> None:
    assert read_id(cell) == (value, "")


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("", NONE), (" ", NONE), ("nan", NONE), ("None", NONE), ("N/A", NONE), ("-", NONE),
        ("1.234E+10", LOST), ("1,23e+15", LOST), ("9007199254740993.0", LOST), ("1E+10", LOST),
        ("шт-1", ODD), ("a b", ODD), ("x" * 65, ODD), ("1.5", ODD), ("٣", ODD),
        ("10,000", ODD), ("12.000", ODD), ("10001,00", ODD),
    ],
)  # fmt: skip
def test_an_id_that_cannot_be_used_has_a_reason(cell: str, problem: str) -> None:
    assert read_id(cell).problem == problem


@pytest.mark.parametrize(("n", "problem"), [(2**24 - 1, ""), (2**24, LOST)])
def test_an_id_stored_as_a_float_is_used_as_far_as_floats_are_exact(n: int, problem: str) -> None:
    assert read_id(str(n), exact_up_to=2**24).problem == problem
    assert read_id(str(n)).problem == ""
