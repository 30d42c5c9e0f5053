"""Tests between rows: against a library, by hand, and noise is rarely called a difference."""

from __future__ import annotations

import gc
from itertools import pairwise

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from src.evaluation.paired import PAIR_COLUMNS, compare, holm, mcnemar
from tests.evaluation.simulated import made_population


def test_mcnemar_agrees_with_statsmodels_on_100_random_tables() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        both, first, second, neither = rng.integers(0, 60, 4)
        outcomes = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, first, second, neither], 0)
        found = mcnemar(*outcomes.astype(bool).T)
        table = [[both, first], [second, neither]]
        assert (found.first_only, found.second_only) == (first, second)
        assert found.p == pytest.approx(reference_mcnemar(table, exact=True).pvalue, abs=1e-12)


def test_holm_agrees_with_statsmodels_on_100_random_tables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # statsmodels collects garbage in every call, which takes most of the time.
    monkeypatch.setattr(gc, "collect", lambda: 0)
    rng = np.random.default_rng(0)
    for size in range(1, 101):
        p_values = rng.random(size) ** 4
        p_values[: size // 3] = p_values[-1]
        expected = multipletests(p_values, method="holm")[1]
        np.testing.assert_allclose(holm(p_values), expected, atol=1e-12)


def test_rows_that_never_differ_have_a_p_value_of_1() -> None:
    right = np.array([True, False, True])
    assert mcnemar(right, right).p == 1


def rows(**wrong: range) -> dict[str, np.ndarray]:
    """What each row predicts for 100 listings of two categories, wrong on the given ones."""
    actual = np.array(["a", "b"] * 50)
    predicted = {}
    for row, missed in wrong.items():
        predicted[row] = actual.copy()
        predicted[row][list(missed)] = np.where(actual[list(missed)] == "a", "b", "a")
    return predicted


ACTUAL = np.array(["a", "b"] * 50)
GROUPS = np.arange(100).astype(str)


def test_each_row_is_compared_with_the_next_below_and_each_fused_row_with_its_best_input() -> None:
    predicted = rows(stack=range(6), knn=range(40, 52), photo=range(40), text=range(60, 90))
    inputs = {"stack": ("photo", "text"), "knn": ("photo", "text")}
    table = compare(ACTUAL, predicted, GROUPS, inputs, seed=7)
    assert list(table) == PAIR_COLUMNS
    pairs = list(zip(table["row"], table["against"], strict=True))
    assert pairs == [("stack", "text"), ("knn", "text"), ("stack", "knn"), ("text", "photo")]
    first = table.iloc[0]
    assert (first["n_row_only"], first["n_against_only"]) == (30, 6)
    assert first["f1_difference"] == pytest.approx(0.94 - 0.70, abs=1e-6)
    assert first["f1_difference_low"] < 0.24 < first["f1_difference_high"]
    assert (table["p_holm"] >= table["p"]).all()
    assert first["sentence"] == (
        "stack is right on more listings than text "
        "(only stack: 30, only text: 6; p < 0.001 after Holm)"
    )
    assert table["sentence"].iloc[2].startswith("no significant difference between stack and knn")


def test_a_fused_row_worse_than_its_input_is_named_second() -> None:
    predicted = rows(stack=range(50), photo=range(60, 70), text=range(60, 72))
    table = compare(ACTUAL, predicted, GROUPS, {"stack": ("photo", "text")}, seed=7)
    line = table.iloc[0]
    assert (line["row"], line["against"]) == ("stack", "photo")
    assert line["f1_difference_high"] < 0
    assert line["sentence"].startswith(
        "photo is right on more listings than stack (only photo: 50, only stack: 10;"
    )


def test_a_single_row_is_compared_with_nothing() -> None:
    table = compare(ACTUAL, rows(photo=range(5)), GROUPS, {}, seed=7)
    assert table.empty and list(table) == PAIR_COLUMNS


def test_equally_good_rows_rarely_differ_significantly() -> None:
    """Over a table of six rows the chance of any false claim is about 5% at most."""
    population = made_population(240, 0.75)
    rng = np.random.default_rng(4)
    claims = 0
    for _ in range(100):
        draws = population.draw(rng, times=6)
        right = [predicted == actual for actual, predicted, _ in draws]
        p_values = [mcnemar(a, b).p for a, b in pairwise(right)]
        claims += bool((holm(np.array(p_values)) < 0.05).any())
    assert claims <= 8
