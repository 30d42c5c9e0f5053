"""Temperatures are recovered, never fitted on the listings they are applied to; ECE by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as reference_log_loss

from src.evaluation.calibration import (
    BINS,
    LEAST_PROB,
    SPREAD,
    apply_temperature,
    brier,
    calibrate,
    cross_fit_temperature,
    expected_calibration_error,
    fit_temperature,
    log_loss,
    reliability,
)


def made(
    n: int, temperature: float, seed: int = 0, classes: int = 5
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities overconfident by `temperature`, [N, C], and classes drawn from the truth."""
    rng = np.random.default_rng(seed)
    true = softmax(rng.normal(0, 1.2, (n, classes)), axis=1)
    y = (rng.random(n)[:, None] > true.cumsum(1)).sum(1).clip(max=classes - 1)
    sharpened = true**temperature
    return (sharpened / sharpened.sum(1, keepdims=True)).astype(np.float32), y


class Passthrough(ClassifierMixin, BaseEstimator):
    """A classifier whose input is its probabilities."""

    def fit(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> Passthrough:
        self.classes_ = np.arange(X.shape[1])
        return self

    def predict(self, X: NDArray[np.float32]) -> NDArray[np.int64]:
        return X.argmax(1)

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        return X


@pytest.mark.parametrize("temperature", [0.4, 0.8, 1.2])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    probs, y = made(20_000, temperature)
    assert fit_temperature(probs, y) == pytest.approx(temperature, rel=0.05)


def test_scikit_learn_finds_the_same() -> None:
    probs, y = made(5000, 1.2)
    spread = ((1 - SPREAD) * probs + SPREAD / 5).astype(np.float32)
    frozen = FrozenEstimator(Passthrough().fit(spread, y))
    calibrated = CalibratedClassifierCV(frozen, method="temperature").fit(spread, y)
    ours = apply_temperature(probs, fit_temperature(probs, y))
    np.testing.assert_allclose(ours, calibrated.predict_proba(spread), atol=5e-4)


@given(st.floats(0.05, 20), st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_scaling_keeps_probabilities_summing_to_one_and_the_top_class(
    temperature: float, seed: int
) -> None:
    probs, _ = made(50, 3.0, seed)
    cooled = apply_temperature(probs, temperature)
    np.testing.assert_allclose(cooled.sum(1), 1, atol=1e-5)
    top = np.arange(50), probs.argmax(1)
    np.testing.assert_allclose(cooled[top], cooled.max(1), rtol=1e-5)


def test_held_out_calibration_corrects_overconfident_probabilities() -> None:
    probs, y = made(1500, 3.0)
    calibrated = cross_fit_temperature(probs, y, np.arange(1500).astype(str), 5, seed=7)
    assert expected_calibration_error(probs, y) > 0.15
    assert expected_calibration_error(calibrated, y) < 0.06
    assert brier(calibrated, y) < brier(probs, y)
    assert log_loss(calibrated, y) < log_loss(probs, y)


def test_a_listing_does_not_influence_its_own_temperature() -> None:
    probs, y = made(300, 3.0)
    groups = (np.arange(300) // 3).astype(str)
    before = cross_fit_temperature(probs, y, groups, 5, seed=7)
    changed = y.copy()
    changed[:3] = (y[:3] + 1) % 5
    after = cross_fit_temperature(probs, changed, groups, 5, seed=7)
    np.testing.assert_array_equal(before[:3], after[:3])
    assert (before[3:] != after[3:]).any()


def test_a_single_group_cannot_be_calibrated_and_is_returned_unchanged() -> None:
    probs, y = made(10, 3.0)
    np.testing.assert_array_equal(cross_fit_temperature(probs, y, np.full(10, "g"), 5, 7), probs)


def test_probabilities_of_0_and_1_can_be_calibrated() -> None:
    y = np.array([0, 1, 2] * 40)
    probs = np.eye(3, dtype=np.float32)[np.where(np.arange(120) % 4 == 0, (y + 1) % 3, y)]
    cooled = apply_temperature(probs, fit_temperature(probs, y))
    assert np.isfinite(cooled).all()
    # A quarter is wrong, so the calibrated confidence is three quarters.
    assert cooled.max(1) == pytest.approx(0.75, abs=0.01)


@given(
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=800),
    st.floats(0.3, 5).filter(lambda t: t != 1),
)
@settings(max_examples=100, deadline=None)
def test_classes_of_different_probability_never_change_places(
    weights: list[float], temperature: float
) -> None:
    probs = np.array([weights], np.float32)
    probs /= max(float(probs.sum()), 1e-6)
    cooled = apply_temperature(probs, temperature)[0]
    order = np.argsort(probs[0], kind="stable")
    assert (np.diff(cooled[order]) >= 0).all()


def test_second_places_do_not_tie() -> None:
    """A floor of 0.01 made all but the first of these equal."""
    probs = np.array([[0.985, 0.009, 0.004, 0.002]], np.float32)
    assert (np.diff(apply_temperature(probs, 1.5)[0]) < 0).all()


@pytest.mark.parametrize("classes", [17, 300, 750])
def test_any_number_of_classes_leaves_a_sure_answer_sure(classes: int) -> None:
    """With floors of 0.01 under 300 classes no answer could be surer than 0.25."""
    rng = np.random.default_rng(0)
    y = rng.integers(classes, size=600)
    probs = np.full((600, classes), 1e-7, np.float32)
    probs[np.arange(600), np.where(rng.random(600) < 0.95, y, (y + 1) % classes)] = 1
    probs /= probs.sum(1, keepdims=True)
    calibrated, temperature = calibrate(probs, y, np.arange(600).astype(str), 5, seed=7)
    assert calibrated.max(1).mean() == pytest.approx(0.95, abs=0.02)
    np.testing.assert_array_equal(calibrated.argmax(1), probs.argmax(1))
    assert apply_temperature(probs, temperature).max(1).mean() == pytest.approx(0.95, abs=0.02)
    assert log_loss(calibrated, y) < log_loss(probs, y)


@pytest.mark.parametrize("classes", [17, 300])
def test_exact_zeros_do_not_determine_the_temperature(classes: int) -> None:
    """Shares of 60 trees, so most classes have 0; one truth in ten is among them."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 1, (1000, classes))
    logits[np.arange(1000), rng.integers(classes, size=1000)] += np.log(classes) + 2.5
    true = softmax(logits, axis=1)
    y = (rng.random(1000)[:, None] > true.cumsum(1)).sum(1).clip(max=classes - 1)
    trees = rng.multinomial(60, true) / 60
    assert (trees[np.arange(1000), y] == 0).mean() > 0.05
    probs = trees.astype(np.float32)
    calibrated, temperature = calibrate(probs, y, np.arange(1000).astype(str), 5, seed=7)
    assert log_loss(calibrated, y) < 0.8 * log_loss(probs, y)
    assert 0.7 < temperature < 1.4
    assert abs(calibrated.max(1).mean() - (probs.argmax(1) == y).mean()) < 0.15


@given(st.integers(2, 80), st.integers(0, 100), st.floats(0.3, 3))
@settings(max_examples=40, deadline=None)
def test_calibration_never_raises_the_log_loss(n: int, seed: int, temperature: float) -> None:
    probs, y = made(n, temperature, seed)
    calibrated = calibrate(probs, y, (np.arange(n) // 2).astype(str), 5, seed=7)
    assert log_loss(calibrated.probs, y) <= log_loss(probs, y)
    # New listings are treated as these were.
    assert (calibrated.temperature == 1) == (calibrated.probs is probs)


def test_a_row_that_calibration_does_not_improve_stays_as_it_is() -> None:
    probs, y = made(60, 1.0, seed=3)
    groups = np.arange(60).astype(str)
    assert log_loss(cross_fit_temperature(probs, y, groups, 5, 7), y) > log_loss(probs, y)
    calibrated, temperature = calibrate(probs, y, groups, 5, seed=7)
    assert temperature == 1
    np.testing.assert_array_equal(calibrated, probs)
    np.testing.assert_array_equal(apply_temperature(probs, temperature), probs)


def test_log_loss_agrees_with_scikit_learn_and_is_finite() -> None:
    probs, y = made(300, 2.0)
    assert log_loss(probs, y) == pytest.approx(reference_log_loss(y, probs), rel=1e-5)
    never = np.array([[0.0, 1.0]], np.float32)
    assert log_loss(never, np.array([0])) == pytest.approx(-np.log(LEAST_PROB))


def faultless(
    n: int, sure: float, classes: int = 5
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities of N listings whose likeliest class, with `sure`, is always the true one."""
    y = np.arange(n) % classes
    probs = np.full((n, classes), (1 - sure) / (classes - 1), np.float32)
    probs[np.arange(n), y] = sure
    return probs, y


@pytest.mark.parametrize("n", [3, 12, 48, 240, 5000])
@pytest.mark.parametrize("sure", [0.21, 0.4, 0.9, 0.999])
def test_listings_without_a_fault_show_no_more_than_their_number_can(n: int, sure: float) -> None:
    probs, y = faultless(n, sure)
    calibrated = apply_temperature(probs, fit_temperature(probs, y))
    # Laplace's rule of succession: the next one is right with this probability.
    np.testing.assert_allclose(calibrated.max(1), (n + 1) / (n + 2), atol=1e-3)


def test_after_ten_listings_without_a_fault_a_doubtful_one_stays_doubtful() -> None:
    temperature = fit_temperature(*faultless(10, 0.6))
    doubtful = np.array([[0.3, 0.25, 0.2, 0.15, 0.1]], np.float32)
    assert apply_temperature(doubtful, temperature).max() < 0.5


@given(st.integers(1, 60), st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_no_listings_take_the_temperature_to_where_its_search_ends(n: int, seed: int) -> None:
    probs, y = made(n, 2.0, seed)
    for answers in (y, probs.argmax(1), probs.argmin(1)):
        assert fit_temperature(probs, answers) > 2e-3


def test_ece_and_reliability_by_hand() -> None:
    confidence = np.repeat([0.6, 0.9], [30, 30]).astype(np.float32)
    probs = np.stack([confidence, 1 - confidence], axis=1)
    y = np.array([0] * 24 + [1] * 6 + [0] * 21 + [1] * 9)
    bins = reliability(probs, y)
    assert bins["bin"].tolist() == [0, 1] and bins["n"].tolist() == [30, 30]
    np.testing.assert_allclose(bins["confidence"], [0.6, 0.9], atol=1e-6)
    np.testing.assert_allclose(bins["accuracy"], [0.8, 0.7])
    assert expected_calibration_error(probs, y) == pytest.approx((0.2 + 0.2) / 2)


@given(st.integers(1, 400), st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_each_listing_is_in_one_bin_and_bins_are_about_equal(n: int, seed: int) -> None:
    probs, y = made(n, 2.0, seed)
    bins = reliability(probs, y)
    assert bins["n"].sum() == n and len(bins) <= BINS
    assert bins["confidence"].is_monotonic_increasing
    assert bins["n"].max() <= -(-n // BINS) + 1
    order = np.random.default_rng(seed).permutation(n)
    turned = reliability(probs[order], y[order])
    np.testing.assert_allclose(bins, turned, rtol=1e-9)


def test_brier_agrees_with_scikit_learn() -> None:
    probs, y = made(500, 2.0)
    expected = brier_score_loss(y, probs, labels=np.arange(5), scale_by_half=False)
    assert brier(probs, y) == pytest.approx(expected, abs=1e-6)
