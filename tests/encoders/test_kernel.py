"""Kernel ridge: its closed forms against fits that do what they stand for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.utils import get_tags

from src.core.targets import cautious_targets
from src.encoders.common import kernel
from src.encoders.common.heads import KernelHead
from src.encoders.common.kernel import KernelRidgeClassifier, choose_landmarks

N, D, C = 60, 5, 3


@pytest.fixture
def x() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(N, D)) + np.minimum(np.arange(N) % 4, 2)[:, None]


@pytest.fixture
def y() -> NDArray[np.int64]:
    # Unbalanced: the last class is rare.
    return np.minimum(np.arange(N) % 4, 2) % C


@pytest.fixture
def groups() -> NDArray[np.str_]:
    return np.array([f"g{i // 2 if i < 20 else i}" for i in range(N)])


def rbf(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-((a[:, None] - b[None]) ** 2).sum(2) / 10)


def model(balanced: bool = True, penalty: float = 0.3) -> KernelRidgeClassifier:
    return KernelRidgeClassifier(penalty, class_weight="balanced" if balanced else None)


def fitted(
    x: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[np.str_], balanced: bool = True
) -> KernelRidgeClassifier:
    return model(balanced).fit(rbf(x, x), y, groups=groups)


@pytest.mark.parametrize("balanced", [True, False])
def test_it_minimises_what_it_says(
    x: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[np.str_], balanced: bool
) -> None:
    fit = fitted(x, y, groups, balanced)
    k = rbf(x, x) + 1e-6 * np.eye(N)
    weight = (N / np.bincount(y) / C)[y] if balanced else np.ones(N)
    for c in range(C):
        target = np.where(y == c, 1.0, -1 / (C - 1))

        def loss(flat: NDArray[np.float64], target: NDArray[np.float64] = target) -> float:
            a, b = flat[:-1], flat[-1]
            return float(weight @ (target - k @ a - b) ** 2 + 0.3 * a @ k @ a)

        ours = np.append(fit.coef_[:, c], fit.intercept_[c])
        best = minimize(loss, ours, method="L-BFGS-B", options={"maxiter": 2000, "maxfun": 10**6})
        assert loss(ours) <= best.fun + 1e-5


def test_what_a_row_would_be_without_its_group_is_what_a_fit_without_it_says(
    x: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[np.str_]
) -> None:
    # Without the weights' dependence on the rows that are left out.
    whole = fitted(x, y, groups, balanced=False)
    for group in ("g0", "g7", "g30", "g59"):
        left = groups != group
        fit = fitted(x[left], y[left], groups[left], balanced=False)
        scores = fit.decision_function(rbf(x[~left], x[left]))
        np.testing.assert_allclose(whole.left_out_[~left], scores, atol=1e-4)


def test_few_landmarks_come_near_to_all(
    x: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[np.str_],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(kernel, "LANDMARKS", 40)
    some = choose_landmarks(N, 7)
    assert len(some) == 40 and (np.diff(some) > 0).all()
    np.testing.assert_array_equal(some, choose_landmarks(N, 7))
    ours = model().fit(rbf(x, x[some]), y, some, groups).predict(rbf(x, x[some]))
    theirs = fitted(x, y, groups).predict(rbf(x, x))
    assert (ours == theirs).mean() > 0.9


def test_the_temperature_makes_scores_left_out_likeliest(
    x: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[np.str_]
) -> None:
    fit = fitted(x, y, groups, balanced=False)

    targets = cautious_targets(y, C)

    def loss(temperature: float) -> float:
        p = np.exp(temperature * fit.left_out_)
        return float(-(targets * np.log(p / p.sum(1, keepdims=True))).sum(1).mean())

    assert loss(fit.temperature_) <= min(loss(fit.temperature_ * f) for f in (0.9, 1.1)) + 1e-9


def test_the_number_of_rows_bounds_the_temperature_where_all_are_right(
    x: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[np.str_]
) -> None:
    apart = x + 20 * y[:, None]
    fit = fitted(apart, y, groups, balanced=False)
    assert (fit.left_out_.argmax(1) == y).all()
    assert fit.temperature_ < np.exp(5) / 2
    sure = fit.predict_proba(rbf(apart, apart)).max(1).mean()
    assert sure == pytest.approx((N + 1) / (N + 2), abs=0.03)


def test_a_head_says_the_same_after_saving(
    x: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[np.str_], tmp_path: Path
) -> None:
    features = torch.from_numpy(x).float()
    head = KernelHead(D, C, gamma=2.0)
    everything = np.arange(N)
    k = head.set_landmarks(features, everything)
    np.testing.assert_allclose(k, head.kernel(features).numpy(), atol=1e-5)
    np.testing.assert_allclose(np.diag(k), 1, atol=1e-5)
    fit = model(penalty=0.1).fit(k, y, everything, groups)
    head.set_coefficients(fit)
    expected = fit.temperature_ * fit.decision_function(k)
    np.testing.assert_allclose(head(features).numpy(), expected, atol=1e-3)
    assert (head(features).argmax(1).numpy() == y).mean() > 0.8
    save_file(head.state_dict(), tmp_path / "head.safetensors")
    other = KernelHead(D, C, gamma=2.0).resized(N)
    other.load_state_dict(load_file(tmp_path / "head.safetensors"))
    assert torch.equal(head(features), other(features))


def test_probabilities_are_the_softmax_of_scaled_scores_of_the_classes(
    x: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[np.str_]
) -> None:
    names = np.array(["a", "b", "c"])[y]
    k = rbf(x, x)
    before = k.copy()
    fit = model().fit(k, names, groups=groups)
    np.testing.assert_array_equal(k, before)
    probs = fit.predict_proba(k)
    np.testing.assert_allclose(probs.sum(1), 1)
    np.testing.assert_array_equal(fit.predict(k), fit.classes_[probs.argmax(1)])
    assert fit.score(k, names) > 0.8
    # The same numbers when the kernel may be overwritten.
    again = KernelRidgeClassifier(0.3, "balanced", copy_K=False).fit(k, names, groups=groups)
    np.testing.assert_array_equal(again.coef_, fit.coef_)


def test_a_class_without_rows_is_the_least_likely(
    x: NDArray[np.float64], y: NDArray[np.int64]
) -> None:
    fit = model().fit(rbf(x, x), y, classes=np.arange(C + 1))
    assert fit.coef_.shape == (N, C + 1)
    probs = fit.predict_proba(rbf(x, x))
    assert (probs[:, C] < 1 / (C + 1)).all()


def test_it_can_be_cloned_and_says_that_its_kernel_is_pairwise() -> None:
    estimator = clone(KernelRidgeClassifier(0.5, "balanced", copy_K=False))
    assert estimator.get_params() == {"penalty": 0.5, "class_weight": "balanced", "copy_K": False}
    assert get_tags(estimator).input_tags.pairwise


@given(
    copies=st.integers(0, 80),
    noise=st.sampled_from([0.0, *(10.0**p for p in range(-8, -2))]),
    constant=st.sampled_from([0, 1, 3, D]),
    grouped=st.booleans(),
    lonely_class=st.booleans(),
    words=st.sampled_from([0.0, 0.5]),
    landmarks=st.sampled_from([N, 40]),
    penalty=st.sampled_from([1e-6, 0.15]),
    seed=st.integers(0, 99),
)
def test_copies_of_any_number_and_nearness_break_nothing(
    copies: int, noise: float, constant: int, grouped: bool, lonely_class: bool, words: float,
    landmarks: int, penalty: float, seed: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    source = rng.integers(0, N, copies) % 5
    rows = rng.normal(size=(N, D)) * 10 + 3
    rows = np.concatenate([rows, rows[source] * (1 + noise * rng.normal(size=(copies, D)))])
    rows[:, :constant] = 7
    n = N + copies
    y = np.arange(n) % C
    if lonely_class:
        y = np.append(y[:-1] % 2, 2)
    groups = np.concatenate([np.arange(N), source]) if grouped else np.arange(n)
    some = np.sort(rng.permutation(n)[:landmarks]) if landmarks < N else np.arange(n)
    head = KernelHead(D, C, gamma=2.0)
    x = torch.from_numpy(rows).float()
    k = head.set_landmarks(x, some)
    if words:
        sparse = (rng.random((n, 8)) < 0.2) * rng.random((n, 8))
        sparse[N:] = sparse[source]
        k = (1 - words) * k + words * sparse @ sparse[some].T
    fit = model(penalty=penalty).fit(k, y, some, groups)
    assert np.isfinite(fit.left_out_).all()
    probs = fit.predict_proba(k)
    np.testing.assert_allclose(probs.sum(1), 1)
    if not words:
        head.set_coefficients(fit)
        np.testing.assert_allclose(head(x).softmax(1).numpy(), probs, atol=0.02)
    # A copy in the same group tells nothing about a row that is left out with it.
    if penalty > 0.1:
        group = groups[-1]
        left = groups != group
        weight = N  # placeholder
