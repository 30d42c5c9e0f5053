"""Cells of a table: which are empty, and what is not seen in them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from src.cleaning.categories import read_category
from src.cleaning.cells import is_missing, present, visible
from src.cleaning.ids import read_id
from src.cleaning.prices import read_price


@pytest.mark.parametrize(
    "cell",
    [None, np.nan, pd.NA, pd.NaT, "", " ", "\u200b", "-", "—", "nan", "None", "N/A", "NULL", "н/д"],
)
def test_missing_cells_are_known_by_their_words(cell: object) -> None:
    assert is_missing(cell)


@pytest.mark.parametrize("cell", ["0", 0, False, "нет", "no", [], [None], np.array([np.nan]), {}])
def test_values_are_not_missing(cell: object) -> None:
    assert not is_missing(cell)


def test_letters_that_a_program_lost_are_no_value() -> None:
    assert is_missing("?????? ???") and is_missing("\ufffd\ufffd")
    assert read_category("????").problem and not is_missing("Why?")


def test_odd_spaces_and_invisible_characters_go() -> None:
    assert visible("\ufeff 1\u00a0\u2009500\u200b\t₽\u00ad ") == "1 500 ₽"


@pytest.mark.parametrize("read", [is_missing, visible, read_id, read_category, read_price])
def test_long_texts_are_not_normalised(
    read: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The time of NFC grows with the square of such a text.
    text = "a" + "\u0315\u0300" * 15_000
    seen: list[int] = []
    monkeypatch.setattr("unicodedata.normalize", lambda form, text: seen.append(len(text)) or text)
    read(text)
    assert not seen


@pytest.mark.parametrize(
    ("cell", "text"), [(" nan ", ""), ("None", ""), ("N/A", ""), (" Стул\n", "Стул"), ("0", "0")]
)
def test_a_text_without_a_value_is_empty(cell: str, text: str) -> None:
    assert present(cell) == text
