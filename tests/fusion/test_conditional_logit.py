"""The stacked head: its gradient, and cases whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from src.core.targets import cautious_targets
from src.fusion import conditional_logit
from src.fusion.conditional_logit import ConditionalLogit

RNG = np.random.default_rng


def drawn(probs: np.ndarray, seed: int) -> np.ndarray:
    """Draw a class for each row of probabilities."""
    return (probs.cumsum(1) < RNG(seed).random((len(probs), 1))).sum(1)


def test_the_gradient_agrees_with_finite_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = 0

    def check(loss: Any, start: np.ndarray, **more: Any) -> Any:
        nonlocal checked
        for seed in range(3):
            point = RNG(seed).normal(size=len(start))
            numeric = approx_fprime(point, lambda flat: loss(flat)[0], 1e-6)
            np.testing.assert_allclose(loss(point)[1], numeric, atol=1e-5)
            checked += 1
        return minimize(loss, start, **more)

    monkeypatch.setattr(conditional_logit, "minimize", check)
    x = RNG(0).normal(size=(50, 2 * 4 + 3)).astype(np.float32)
    ConditionalLogit(4, penalty=0.1).fit(x, RNG(1).integers(0, 4, 50))
    assert checked == 3


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_one_model_alone_is_calibrated_by_its_temperature(temperature: float) -> None:
    logs = log_softmax(RNG(0).normal(size=(6000, 3)), axis=1)
    y = drawn(np.exp(log_softmax(temperature * logs, axis=1)), seed=1)
    head = ConditionalLogit(3, penalty=10.0).fit(logs, y)
    assert head.weights_ == pytest.approx([temperature], rel=0.1)
    np.testing.assert_allclose(head.coef_, 0, atol=0.02)


@pytest.mark.parametrize("n", [12, 240])
def test_the_number_of_listings_bounds_the_weight_of_a_model_without_a_mistake(n: int) -> None:
    y = np.arange(n) % 3
    logs = np.log(np.where(np.eye(3)[y] > 0, 0.6, 0.2))
    head = ConditionalLogit(3, penalty=10.0).fit(logs, y)
    np.testing.assert_allclose(head.predict_proba(logs).max(1), (n + 1) / (n + 2), atol=1e-3)


def test_a_model_of_pure_noise_gets_no_weight() -> None:
    rng = RNG(0)
    useful = log_softmax(2 * rng.normal(size=(4000, 3)), axis=1)
    noise = log_softmax(2 * rng.normal(size=(4000, 3)), axis=1)
    head = ConditionalLogit(3).fit(np.hstack([noise, useful]), drawn(np.exp(useful), seed=1))
    np.testing.assert_allclose(head.weights_, [0, 1], atol=0.1)


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("columns", [1, 2])
def test_without_models_it_is_scikit_learn_s_logistic_regression(
    columns: int, class_weight: str | None
) -> None:
    penalty, n = 0.01, 300
    y = np.repeat([0, 1, 2], [200, 70, 30])
    x = RNG(0).normal(size=(n, columns)) * 7 + y[:, None]
    head = ConditionalLogit(3, penalty, class_weight).fit(x, y)
    design = np.column_stack([(x - x.mean(0)) / x.std(0), np.ones(n)])
    reference = LogisticRegression(
        C=1 / (2 * penalty * n), fit_intercept=False, tol=1e-8, max_iter=5000
    )
    # Each listing once as each class, with the weight that its target gives the class.
    weight = cautious_targets(y, 3) * compute_sample_weight(class_weight, y)[:, None]
    reference.fit(np.repeat(design, 3, axis=0), np.tile([0, 1, 2], n), weight.ravel())
    np.testing.assert_allclose(head.predict_proba(x), reference.predict_proba(design), atol=1e-3)


def test_a_constant_added_to_all_logarithms_of_a_row_changes_nothing() -> None:
    logs = log_softmax(RNG(0).normal(size=(200, 3)), axis=1)
    y = RNG(1).integers(0, 3, 200)
    centred = logs - logs.mean(1, keepdims=True)
    one, two = (ConditionalLogit(3).fit(x, y).predict_proba(x) for x in (logs, centred))
    np.testing.assert_allclose(one, two, atol=1e-4)
