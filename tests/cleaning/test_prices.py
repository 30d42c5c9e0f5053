"""Prices in the cells of the user's table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from src.cleaning.prices import read_price


@given(st.text(max_size=30))
def test_any_price_is_a_number_in_range_or_missing(text: str) -> None:
    price, problem = read_price(text)
    assert price is None or (0 <= price <= 1e12 and not problem)
    assert not (problem and not text.strip())
