"""Accuracy against the share answered: small cases by hand, and properties of any confidences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.evaluation.abstain import accuracy_by_share, area_under, thinned, threshold_for

CONFIDENCE = np.array([0.9, 0.5, 0.8, 0.8, 0.7], np.float32)
RIGHT = np.array([True, False, True, False, True])
CASES = st.lists(
    st.tuples(st.sampled_from([0.2, 0.4, 0.6, 0.8, 1.0]), st.booleans()), min_size=1, max_size=50
)


def test_the_curve_by_hand() -> None:
    curve = accuracy_by_share(CONFIDENCE, RIGHT)
    np.testing.assert_allclose(curve["threshold"], [0.9, 0.8, 0.7, 0.5], rtol=1e-6)
    assert curve["n"].tolist() == [1, 3, 4, 5]
    np.testing.assert_allclose(curve["share"], [0.2, 0.6, 0.8, 1])
    np.testing.assert_allclose(curve["accuracy"], [1, 2 / 3, 3 / 4, 3 / 5])
    assert area_under(curve) == pytest.approx(0.2 * 1 + 0.4 * 2 / 3 + 0.2 * 3 / 4 + 0.2 * 3 / 5)


def test_the_threshold_that_answers_most_is_chosen() -> None:
    curve = accuracy_by_share(CONFIDENCE, RIGHT)
    assert threshold_for(curve, 0.7) == pytest.approx((0.7, 0.8))
    assert threshold_for(curve, 0.9) == pytest.approx((0.9, 0.2))
    assert threshold_for(accuracy_by_share(CONFIDENCE, ~RIGHT), 0.9) is None


@settings(deadline=None)
@given(CASES, st.floats(0.1, 1))
def test_properties_of_any_confidences(cases: list[tuple[float, bool]], wanted: float) -> None:
    confidence, right = np.array(cases).T
    right = right.astype(bool)
    curve = accuracy_by_share(confidence, right)
    assert curve["share"].is_monotonic_increasing and curve["share"].iloc[-1] == 1
    assert curve["accuracy"].iloc[-1] == pytest.approx(right.mean())
    assert 0 <= area_under(curve) <= 1 + 1e-9
    if (found := threshold_for(curve, wanted)) is not None:
        answered = confidence >= found[0]
        assert right[answered].mean() >= wanted
        assert answered.mean() == pytest.approx(found[1])
    flat = accuracy_by_share(np.full(len(right), 0.5), right)
    assert area_under(flat) == pytest.approx(right.mean())


@settings(deadline=None)
@given(st.integers(1, 700))
def test_a_thinned_curve_has_at_most_one_line_for_each_hundredth(n: int) -> None:
    rng = np.random.default_rng(n)
    curve = accuracy_by_share(rng.random(n), rng.random(n) < 0.8)
    lines = thinned(curve)
    assert len(lines) == min(n, 100)
    assert lines["share"].iloc[-1] == 1
    assert lines["share"].diff().fillna(0).max() <= max(0.02, 1 / n + 1e-9)
