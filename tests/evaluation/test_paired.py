"""Tests between rows: against a library, by hand, and that noise is not told as a difference."""

from __future__ import annotations

import gc
from itertools import pairwise

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from src.evaluation.paired import COLUMNS, compare, holm, mcnemar
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
    # Its function collects garbage in every call, which takes longer than all the rest.
    monkeypatch.setattr(gc, "collect", lambda: 0)
    rng = np.random.default_rng(0)
    for size in range(1, 101):
        p_values = rng.random(size) ** 4
        p_values[: size // 3] = p_values[-1]
        expected = multipletests(p_values, method="holm")[1]
        np.testing.assert_allclose(holm(p_values), expected, atol=1e-12)


def test_rows_that_never_differ_are_alike() -> None:
    right = np.array([True, False, True])
    assert mcnemar(right, right).p == 1


def rows(**wrong: range) -> dict[str, np.ndarray]:
    """What each row says of 100 listings of two categories, wrong on the given ones."""
    actual = np.array(["a", "b"] * 50)
    said = {}
    for row, missed in wrong.items():
        said[row] = actual.copy()
        said[row][list(missed)] = np.where(actual[list(missed)] == "a", "b", "a")
    return said


ACTUAL = np.array(["a", "b"] * 50)
GROUPS = np.arange(100).astype(str)


def test_each_row_meets_the_next_below_it_and_each_fused_row_its_best_input() -> None:
    said = rows(stack=range(6), knn=range(40, 52), photo=range(40), text=range(60, 90))
    inputs = {"stack": ("photo", "text"), "knn": ("photo", "text")}
    table = compare(ACTUAL, said, GROUPS, inputs, seed=7)
    assert list(table) == COLUMNS
    pairs = list(zip(table["row"], table["against"], strict=True))
    assert pairs == [("stack", "text"), ("knn", "text"), ("stack", "knn"), ("text", "photo")]
    first = table.iloc[0]
    assert (first["n_row_only"], first["n_against_only"]) == (30, 6)
    assert first["f1_difference"] == pytest.approx(0.94 - 0.70, abs=1e-6)
    assert first["f1_difference_low"] < 0.24 < first["f1_difference_high"]
    assert (table["p_holm"] >= table["p"]).all()
    assert first["sentence"] == (
        "stack is right on more listings than text "
        "(30 against 6 of those where they differ, p < 0.001 after Holm)"
    )
    assert table["sentence"].iloc[2].startswith("no difference can be told between stack and knn")


def test_a_fused_row_worse_than_its_input_is_named_second() -> None:
    said = rows(stack=range(50), photo=range(60, 70), text=range(60, 72))
    table = compare(ACTUAL, said, GROUPS, {"stack": ("photo", "text")}, seed=7)
    line = table.iloc[0]
    assert (line["row"], line["against"]) == ("stack", "photo")
    assert line["f1_difference_high"] < 0
    assert line["sentence"].startswith("photo is right on more listings than stack (50 against 10")


def test_a_single_row_has_nothing_to_be_compared_with() -> None:
    table = compare(ACTUAL, rows(photo=range(5)), GROUPS, {}, seed=7)
    assert table.empty and list(table) == COLUMNS


def test_equally_good_rows_are_seldom_told_apart() -> None:
    """Over a table of six rows the chance of any false claim stays below 5 %, or about it."""
    population = made_population(240, 0.75)
    rng = np.random.default_rng(4)
    claims = 0
    for _ in range(100):
        draws = population.draw(rng, times=6)
        right = [said == actual for actual, said, _ in draws]
        p_values = [mcnemar(a, b).p for a, b in pairwise(right)]
        claims += bool((holm(np.array(p_values)) < 0.05).any())
    assert claims <= 8
