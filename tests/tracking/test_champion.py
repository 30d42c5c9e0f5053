"""Whether a model is better than the champion: planted answers on the same test listings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from src.tracking.champion import Judgement, judge
from tests.tracking.conftest import CATEGORIES

N = 170


def answers_of(wrong: int, first: int = 0, fold: bool = False, n: int = N) -> pd.DataFrame:
    """Answers on n test listings of 17 categories; from number `first` on, `wrong` are wrong."""
    actual = np.array([CATEGORIES[number % 17] for number in range(n)], dtype=object)
    predicted = actual.copy()
    for number in range(first, first + wrong):
        predicted[number] = CATEGORIES[(number + 1) % 17]
    ids = [f"r{number}" for number in range(n)]
    return pd.DataFrame(
        {
            "id": ids, "content": ids, "actual": actual, "predicted": predicted, "group": ids,
            "fold": [number % 5 if fold else -1 for number in range(n)],
        }
    )  # fmt: skip


def compared(new: pd.DataFrame, old: pd.DataFrame) -> Judgement:
    return judge(new, old.drop(columns=["group", "fold"]), "version 1")


@pytest.mark.parametrize("fold", [False, True])
def test_a_model_that_is_right_on_significantly_more_listings_is_better(fold: bool) -> None:
    judgement = compared(answers_of(4, fold=fold), answers_of(40, first=10, fold=fold))
    assert judgement.better
    assert judgement.why.startswith(
        "better than version 1 on the same 170 test listings: right on 40 that version 1 gets "
        "wrong, wrong on 4 that it gets right (p < 0.001), macro F1 +0.2"
    )


def test_folds_that_disagree_are_no_proof() -> None:
    """All the difference in one fold: McNemar alone would call it significant."""
    new, old = answers_of(0, fold=True), answers_of(0, fold=True)
    wrong = old.index[old["fold"] == 2][:12]
    old.loc[wrong, "predicted"] = [f"{name}?" for name in old.loc[wrong, "actual"]]
    assert not compared(new, old).better
    assert compared(new.assign(fold=-1), old).better


@pytest.mark.parametrize(
    ("wrong", "of_champion", "numbers"),
    [
        (40, 4, "right on 4 that version 1 gets wrong, wrong on 40 that it gets right (p < 0.001)"),
        (10, 10, "right on 0 that version 1 gets wrong, wrong on 0 that it gets right (p = 1.000)"),
        (10, 13, "right on 3 that version 1 gets wrong, wrong on 0 that it gets right (p = 0.250)"),
    ],
    ids=["worse", "equal", "hardly better"],
)
def test_a_model_that_is_not_significantly_better_is_not(
    wrong: int, of_champion: int, numbers: str
) -> None:
    first = 60 if wrong > of_champion else 0
    judgement = compared(answers_of(wrong, first), answers_of(of_champion))
    assert not judgement.better
    assert judgement.why.startswith("not significantly better than version 1 on the same 170 test")
    assert numbers in judgement.why


def changed(table: pd.DataFrame, column: str, value: Any, rows: int = 3) -> pd.DataFrame:
    table = table.copy()
    table.loc[: rows - 1, column] = value
    return table


@pytest.mark.parametrize(
    ("old", "why"),
    [
        (changed(answers_of(90), "id", ["a", "b", "c"]), "3 of its 170 test listings are others"),
        (changed(answers_of(90), "content", "x"), "3 of its 170 test listings are others, or were"),
        (answers_of(90, n=100), "70 of its 170 test listings are others"),
        (answers_of(90, n=200), "tested on 200 listings, this one on only 170 of them"),
        (
            answers_of(90).replace({"actual": {CATEGORIES[3]: "Мебель"}}),
            "the categories are others, e.g. 'Категория номер 3'",
        ),
    ],
    ids=["other", "changed", "fewer", "more", "categories"],
)
def test_other_listings_are_not_compared(old: pd.DataFrame, why: str) -> None:
    judgement = compared(answers_of(0), old)
    assert not judgement.better
    assert judgement.why.startswith("it was not compared with version 1") and why in judgement.why


def test_both_are_judged_by_the_labels_as_they_are_now() -> None:
    """Of labels that were corrected since, the champion's right answers count as right."""
    old = answers_of(0)
    old.loc[:29, "actual"] = [CATEGORIES[(number + 1) % 17] for number in range(30)]
    judgement = compared(answers_of(0), old)
    assert not judgement.better and "right on 0 " in judgement.why
    assert judgement.why.endswith("; 30 labels of them corrected since")


def test_a_lower_macro_f1_is_not_better_though_more_listings_are_right() -> None:
    """Large categories gain, a small one is lost."""
    n = 300
    actual = np.array(["large"] * (n - 4) + ["small"] * 4, dtype=object)
    ids = [f"r{number}" for number in range(n)]
    same = {"id": ids, "content": ids, "actual": actual, "group": ids, "fold": -1}
    old, new = actual.copy(), np.array(["large"] * n, dtype=object)
    old[:20] = "other"
    judgement = compared(
        pd.DataFrame(same | {"predicted": new}), pd.DataFrame(same | {"predicted": old})
    )
    assert not judgement.better
    assert judgement.why.startswith("macro F1 is lower, though it is right on more listings: ")
