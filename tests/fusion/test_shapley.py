"""Exact Shapley values of photo, text and price."""

from __future__ import annotations

from functools import cache
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.evaluation.added import ADDED
from src.fusion.fused import FusedClassifier
from src.fusion.shapley import MODALITIES, contributions, log_odds, shapley_values
from tests.fusion.test_fused import ALL, HEADS, NAMES, N, Y, head, made_blocks

PLAYERS = ("photo", "text", "price")
SETS = st.fixed_dictionaries(
    {bits: st.floats(-20, 20) for bits in range(8)}  # the value of each set of the three
)


@cache
def fitted(kind: str) -> FusedClassifier:
    return FusedClassifier([head(kind)], NAMES).fit(made_blocks(), Y, ALL)


def mask(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(N) < 0.6


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(sorted(HEADS)), seed=st.integers(0, 1000))
def test_contributions_and_the_prior_sum_to_the_answer(kind: str, seed: int) -> None:
    model = fitted(kind)
    has = {name: mask(seed + n) for n, name in enumerate(PLAYERS)}
    blocks = made_blocks(seed, **has)
    added = contributions(model, blocks)
    total = log_odds(model.prior_[None]) + added.sum(1)
    np.testing.assert_allclose(total, log_odds(model.predict_proba(blocks)), atol=1e-6)
    for name, values in zip(MODALITIES, added.swapaxes(0, 1), strict=True):
        assert (values[~has[name]] == 0).all()


def test_a_listing_that_lacks_something_is_a_game_of_fewer_players() -> None:
    blocks = made_blocks(3, price=np.zeros(N, bool))
    model = fitted("stack")
    whole = contributions(model, blocks)
    fewer = shapley_values(
        ["photo", "text"],
        lambda shown: log_odds(
            model.predict_proba(blocks, frozenset({"photo", "text", "price"} - shown))
        ),
    )
    for name, values in fewer.items():
        np.testing.assert_allclose(values, whole[:, MODALITIES.index(name)], atol=1e-6)
    assert np.abs(fewer["photo"]).max() > 1


@given(values=SETS)
def test_values_are_mean_gains_over_all_orders(values: dict[int, float]) -> None:
    def value(some: frozenset[str]) -> np.ndarray:
        return np.array(values[sum(1 << PLAYERS.index(name) for name in some)])

    found = shapley_values(PLAYERS, value)
    for name in PLAYERS:
        gains = [
            value(frozenset(order[: order.index(name) + 1]))
            - value(frozenset(order[: order.index(name)]))
            for order in permutations(PLAYERS)
        ]
        assert found[name] == pytest.approx(np.mean(gains), abs=1e-9)


def test_the_columns_of_tables_are_in_the_order_of_the_modalities() -> None:
    assert tuple(ADDED) == MODALITIES


def test_log_odds_are_against_all_other_classes_and_finite() -> None:
    probs = np.array([[0.5, 0.25, 0.25], [1, 0, 0]])
    odds = log_odds(probs)
    np.testing.assert_allclose(odds[0], [0, -np.log(3), -np.log(3)])
    np.testing.assert_allclose(odds[1], [np.log(1e6), -np.log(1e6), -np.log(1e6)])
    # In 32 bits, 1 - p would have lost the rest.
    nearly = np.array([[1, 2e-6, 1e-6]], np.float32)
    assert log_odds(nearly)[0, 0] == pytest.approx(-np.log(3e-6), abs=1e-6)
