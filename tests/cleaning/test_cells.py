"""Cells of a table: which are empty, and what is not seen in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from src.cleaning.cells import is_missing, visible


@pytest.mark.parametrize(
    "cell",
    [None, np.nan, pd.NA, pd.NaT, "", " ", "\u200b", "-", "—", "nan", "None", "N/A", "NULL", "н/д"],
)
def test_missing_cells_are_known_by_their_words(cell: object) -> None:
    assert is_missing(cell)


@pytest.mark.parametrize("cell", ["0", 0, False, "нет", "no", [], [None], np.array([np.nan]), {}])
def test_values_are_not_missing(cell: object) -> None:
    assert not is_missing(cell)


def test_odd_spaces_and_invisible_characters_go() -> None:
    assert visible("\ufeff 1\u00a0\u2009500\u200b\t₽\u00ad ") == "1 500 ₽"
