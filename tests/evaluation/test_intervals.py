"""The intervals have the coverage they claim and depend on the data and the seed only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.evaluation.intervals import difference_intervals, score_intervals
from src.evaluation.reading import few_listings_note
from src.evaluation.scores import macro_f1
from tests.evaluation.simulated import made_population

NAMES = st.sampled_from(["a", "b", "c", "d"])
LISTINGS = st.lists(st.tuples(NAMES, NAMES, st.integers(0, 9)), min_size=1, max_size=40)


@pytest.mark.parametrize(("listings", "accuracy"), [(240, 0.75), (800, 0.75)])
def test_the_true_score_is_covered_in_95_of_100_draws(listings: int, accuracy: float) -> None:
    population = made_population(listings, accuracy)
    rng = np.random.default_rng(0)
    covered = np.zeros(2)
    for _ in range(1000):
        found = score_intervals(*population.draw(rng)[0], seed=7, resamples=600)
        covered += (
            found.f1_low <= population.f1_macro <= found.f1_high,
            found.accuracy_low <= population.accuracy <= found.accuracy_high,
        )
    assert ((covered >= 930) & (covered <= 970)).all(), covered


def test_the_difference_of_two_equally_good_rows_covers_0() -> None:
    population = made_population(240, 0.75)
    rng = np.random.default_rng(1)
    covered = np.zeros(2)
    for _ in range(300):
        (actual, first, groups), (_, second, _) = population.draw(rng, times=2)
        found = difference_intervals(actual, first, second, groups, seed=7, resamples=600)
        covered += (
            found.f1_low <= 0 <= found.f1_high,
            found.accuracy_low <= 0 <= found.accuracy_high,
        )
    # 300 draws: three standard deviations below 95%.
    assert (covered >= 274).all(), covered


def test_copies_within_groups_do_not_narrow_the_interval() -> None:
    actual, predicted, groups = made_population(240, 0.75).draw(np.random.default_rng(2))[0]
    once = score_intervals(actual, predicted, groups, seed=7)
    tripled = score_intervals(*(np.repeat(a, 3) for a in (actual, predicted, groups)), seed=7)
    assert tripled == pytest.approx(once)
    strangers = np.arange(3 * len(groups)).astype(str)
    fooled = score_intervals(np.repeat(actual, 3), np.repeat(predicted, 3), strangers, seed=7)
    assert fooled.f1_high - fooled.f1_low < 0.7 * (once.f1_high - once.f1_low)


@given(LISTINGS, st.integers(0, 5), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_bounds_are_scores_and_the_order_of_the_listings_does_not_matter(
    listings: list[tuple[str, str, int]], seed: int, random: object
) -> None:
    def bounds(rows: list[tuple[str, str, int]]) -> tuple[float, ...]:
        return score_intervals(*(np.array(c, str) for c in zip(*rows, strict=True)), seed, 99)  # type: ignore[arg-type]

    found = bounds(listings)
    assert 0 <= found[0] <= found[1] <= 1 and 0 <= found[2] <= found[3] <= 1
    mixed = listings.copy()
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert bounds(mixed) == pytest.approx(found, abs=1e-6)


def test_a_row_that_is_always_right_or_equal_to_another_has_an_interval_of_width_0() -> None:
    actual = np.array(["a", "b", "a", "c"])
    groups = np.array(["1", "2", "3", "4"])
    assert score_intervals(actual, actual, groups, 7) == (1, 1, 1, 1)
    predicted = np.array(["a", "a", "a", "c"])
    assert difference_intervals(actual, predicted, predicted, groups, 7) == (0, 0, 0, 0)


def test_the_interval_contains_the_score() -> None:
    actual, predicted, groups = made_population(800, 0.75).draw(np.random.default_rng(3))[0]
    found = score_intervals(actual, predicted, groups, seed=7)
    assert found.f1_low < macro_f1(actual, predicted) < found.f1_high
    assert found.accuracy_low < (actual == predicted).mean() < found.accuracy_high
    assert found == score_intervals(actual, predicted, groups, seed=7)
    assert found != score_intervals(actual, predicted, groups, seed=8)


def test_intervals_over_many_small_categories_are_said_to_be_too_narrow() -> None:
    few, enough = [9] * 26, [10] * 24
    assert few_listings_note(np.array([*few, *enough, 0])).startswith(
        "26 of 50 categories have fewer than 10 test listings:"
    )
    assert few_listings_note(np.array([*few[2:], *enough, 0])) == ""
