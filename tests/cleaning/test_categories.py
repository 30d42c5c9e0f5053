"""Names of categories that are one, and names that only look so."""

from __future__ import annotations

import pytest

from src.cleaning.categories import nearly_equal, read_category


@pytest.mark.parametrize(
    "cell",
    [
        "Детский мир", " Детский  мир ", "Детский\u00a0мир", "Детский\u200b мир",
        "\ufeffДетский мир",
        "Детскии\u0306 мир", "Дет\u00adский мир", "Дет\u200dский мир\ufe0f", "Детский\tмир\r",
        "Детский\x00 мир",
    ],
)  # fmt: skip
def test_what_cannot_be_seen_makes_no_other_category(cell: str) -> None:
    assert read_category(cell) == ("Детский мир", "")


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("", "no category"), ("\u200b ", "no category"), ("x" * 201, "category longer than 200"),
        *((word, "category is a word for a missing value")
          for word in ("nan", "NaN", "None", "NULL", "N/A", "<NA>", "-", "—", "?", " nan ")),
    ],
)  # fmt: skip
def test_a_missing_category_has_a_reason(cell: str, problem: str) -> None:
    assert read_category(cell).problem.startswith(problem)


@pytest.mark.parametrize(
    "pair",
    [("Мебель", "мебель"), ("Мебель", "Mебель"), ("Ёлки", "Елки"), ("Авто-мото", "Авто мото"),
     ("CARS", "Cars"), ("Хобби", "Xобби")],
)  # fmt: skip
def test_names_that_nearly_look_the_same_are_told(pair: tuple[str, str]) -> None:
    assert nearly_equal(["Книги", *pair, "Cпорт"]) == [list(pair)]


def test_other_names_are_not_alike() -> None:
    assert nearly_equal(["Стол", "Стул", "Книги", "Авто", "Авто 2", "Мото"]) == []
