"""Tests between rows: against a library, by hand, and noise is rarely called a difference."""

from __future__ import annotations

import gc
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import t as student_t
from scipy.stats import ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from src.evaluation.paired import (
    PAIR_COLUMNS,
    compare,
    corrected_resampled_t_test,
    holm,
    mcnemar,
)
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
NO_FOLDS = np.full(100, -1)


def test_each_row_is_compared_with_the_next_below_and_each_fused_row_with_its_best_input() -> None:
    predicted = rows(stack=range(6), knn=range(40, 52), photo=range(40), text=range(60, 90))
    inputs = {"stack": ("photo", "text"), "knn": ("photo", "text")}
    table = compare(ACTUAL, predicted, GROUPS, NO_FOLDS, inputs, seed=7)
    assert list(table) == PAIR_COLUMNS
    pairs = list(zip(table["row"], table["against"], strict=True))
    assert pairs == [("stack", "text"), ("knn", "text"), ("stack", "knn"), ("text", "photo")]
    first = table.iloc[0]
    assert (first["n_row_only"], first["n_against_only"]) == (30, 6)
    assert first["f1_difference"] == pytest.approx(0.94 - 0.70, abs=1e-6)
    assert first["f1_difference_low"] < 0.24 < first["f1_difference_high"]
    assert (table["p_holm"] >= table["p"]).all()
    assert table[["p_resampled", "p_resampled_f1"]].isna().all(None)
    assert first["sentence"] == (
        "stack is right on more listings than text "
        "(only stack: 30, only text: 6; p < 0.001 after Holm)"
    )
    assert table["sentence"].iloc[2].startswith("no significant difference between stack and knn")


def test_a_fused_row_worse_than_its_input_is_named_second() -> None:
    predicted = rows(stack=range(50), photo=range(60, 70), text=range(60, 72))
    table = compare(ACTUAL, predicted, GROUPS, NO_FOLDS, {"stack": ("photo", "text")}, seed=7)
    line = table.iloc[0]
    assert (line["row"], line["against"]) == ("stack", "photo")
    assert line["f1_difference_high"] < 0
    assert line["sentence"].startswith(
        "photo is right on more listings than stack (only photo: 50, only stack: 10;"
    )


def test_a_single_row_is_compared_with_nothing() -> None:
    table = compare(ACTUAL, rows(photo=range(5)), GROUPS, NO_FOLDS, {}, seed=7)
    assert table.empty and list(table) == PAIR_COLUMNS


def test_the_corrected_resampled_t_test_is_a_t_test_with_more_variance() -> None:
    """Five folds: the variance of the mean is 1/5 + 1/4 of the folds' own, not 1/5."""
    differences = np.array([0.02, 0.05, 0.01, 0.03, 0.04])
    plain = ttest_1samp(differences, 0)
    corrected = 2 * student_t.sf(plain.statistic * np.sqrt(0.2 / 0.45), 4)
    assert corrected_resampled_t_test(differences) == pytest.approx(corrected)
    assert corrected_resampled_t_test(-differences) == pytest.approx(corrected)
    assert corrected > plain.pvalue


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.1, 0.0)])
def test_folds_that_all_differ_alike(value: float, p: float) -> None:
    assert corrected_resampled_t_test(np.full(5, value)) == p


def test_over_folds_both_tests_must_agree() -> None:
    """Twenty listings to none: McNemar is sure; the folds agree, or all lie in one."""
    folds = np.arange(100) // 20
    everywhere = np.concatenate([np.arange(3 + fold % 3) + 20 * fold for fold in range(5)])
    for missed, agree in ((everywhere, True), (np.arange(20), False)):
        predicted = rows(good=range(0), poor=missed)
        line = compare(ACTUAL, predicted, GROUPS, folds, {}, seed=7).iloc[0]
        assert line["p"] < 0.001
        assert (line["p_resampled"] < 0.05) == (line["p_resampled_f1"] < 0.05) == agree
        assert line["p_holm"] == max(line["p"], line["p_resampled"])
        assert line["sentence"].startswith(
            "good is right on more listings" if agree else "no significant difference"
        )
        assert "McNemar p < 0.001, corrected resampled t-test p = " in line["sentence"]


def test_differences_are_taken_within_each_fold() -> None:
    folds = np.arange(100) % 5
    predicted = rows(good=range(5), poor=[*range(10), 10, 15, 21])
    line = compare(ACTUAL, predicted, GROUPS, folds, {}, seed=7).iloc[0]
    # One more mistake in each fold, in fold 0 two more besides and in fold 1 one.
    expected = corrected_resampled_t_test(np.array([3, 2, 1, 1, 1]) / 20)
    assert line["p_resampled"] == pytest.approx(expected)


def test_luck_with_the_training_listings_is_rarely_a_significant_difference() -> None:
    """In each fold both rows are a little better or worse than they are on average, 0.75."""
    rng = np.random.default_rng(0)
    alone = together = 0
    for _ in range(400):
        accuracy = rng.normal(0.75, 0.05, (2, 5, 1))
        first, second = rng.random((2, 5, 100)) < accuracy
        p = mcnemar(first.ravel(), second.ravel()).p
        by_fold = first.mean(1) - second.mean(1)
        alone += p < 0.05
        together += max(p, corrected_resampled_t_test(by_fold)) < 0.05
    assert alone > 40
    assert together <= 20


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
