"""Kernel ridge: its closed forms against fits that do what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.utils import get_tags
from torch import Tensor

from src.core.targets import cautious_targets
from src.encoders.common import kernel, leave_out
from src.encoders.common.heads import Head, KernelHead
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


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("landmarks", [np.arange(N), np.arange(0, N, 3)])
def test_large_groups_are_left_out_like_small_ones(
    x: NDArray[np.float64], y: NDArray[np.int64], landmarks: NDArray[np.intp], balanced: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    # One of 40 rows, one of two that has no landmark of the 20, the others of one row.
    groups = np.where(np.arange(N) < 40, 0, np.arange(N))
    groups[[55, 56]] = 55
    k = rbf(x, x[landmarks])
    expected = model(balanced).fit(k, y, landmarks, groups)
    monkeypatch.setattr(leave_out, "LARGEST_GROUP", 1)
    monkeypatch.setattr(leave_out, "ROWS_AT_ONCE", 7)
    found = model(balanced).fit(k, y, landmarks, groups)
    assert np.ptp(found.left_out_[:40]) > 0.1
    np.testing.assert_allclose(found.left_out_, expected.left_out_, atol=1e-6)


def test_a_group_is_left_out_with_its_landmarks(
    x: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[np.str_]
) -> None:
    some = np.arange(0, N, 3)
    k = rbf(x, x[some])
    whole = model(balanced=False).fit(k, y, some, groups)
    for group in ("g0", "g7", "g30", "g40", "g58"):
        left = groups != group
        others = some[left[some]]
        few = k[:, left[some]]
        landmarks = np.searchsorted(np.flatnonzero(left), others)
        fit = model(balanced=False).fit(few[left], y[left], landmarks, groups[left])
        scores = fit.decision_function(few[~left])
        np.testing.assert_allclose(whole.left_out_[~left], scores, atol=1e-3)


def test_rows_left_out_of_a_fit_on_landmarks_are_as_hard_as_new_ones() -> None:
    """With a landmark kept where a row is left out, its score would be little but noise."""
    n, wide, clusters, found = 500, 40, 50, []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        cluster = rng.integers(0, clusters, 4 * n)
        z = rng.normal(size=(clusters, wide))[cluster] + 0.9 * rng.normal(size=(4 * n, wide))
        z /= np.linalg.norm(z, axis=1, keepdims=True)
        wrong, label = rng.integers(0, C, 4 * n), rng.integers(0, C, clusters)[cluster]
        y = np.where(rng.random(4 * n) < 0.2, wrong, label)
        landmarks = np.arange(0, n, 2)
        k = np.exp(2 * (z @ z[landmarks].T - 1))
        fit = model(penalty=0.1).fit(k[:n], y[:n], landmarks)
        left_out = fit.left_out_.argmax(1)[landmarks] == y[landmarks]
        found.append((left_out.mean(), (fit.decision_function(k[n:]).argmax(1) == y[n:]).mean()))
    assert abs(np.diff(np.mean(found, axis=0))[0]) < 0.03


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


class Copies(NamedTuple):
    """Rows of which some are copies of others, their classes and groups, and a second kernel."""

    x: Tensor
    y: NDArray[np.int64]
    groups: NDArray[np.int64]
    words: NDArray[np.float64]


@st.composite
def copies(draw: st.DrawFn) -> Copies:
    """Make up to 80 exact or near copies of 5 rows, and the other rows that make 20 originals."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    source = rng.integers(0, 5, draw(st.integers(0, 80)))
    noise = draw(st.sampled_from([0.0, *(10.0**power for power in range(-8, -2))]))
    rows = rng.normal(size=(20, D)) * 10 + 3
    if draw(st.booleans()):
        rows[:] = rows[0]
    rows = np.concatenate([rows, rows[source] * (1 + noise * rng.normal(size=(len(source), D)))])
    rows[:, : draw(st.sampled_from([0, 1, D]))] = 7
    y = np.arange(len(rows)) % C
    if draw(st.booleans()):
        # A class of one row.
        y = np.append(y[:-1] % 2, 2)
    groups = np.arange(len(rows))
    match draw(st.sampled_from(["alone", "copies", "all"])):
        case "copies":
            groups[20:] = source
        case "all":
            groups[:] = 0
    words = rng.random((20, 8)) * (rng.random((20, 8)) < 0.3)
    words = np.concatenate([words, words[source]])
    return Copies(torch.from_numpy(rows).float(), y, groups, words @ words.T)


@settings(deadline=None)
@given(copies(), st.sampled_from([0.0, 0.5]), st.sampled_from([1e-6, 0.15]), st.booleans())
def test_copies_of_any_number_and_nearness_break_nothing(
    rows: Copies, share: float, penalty: float, all_landmarks: bool
) -> None:
    landmarks = np.arange(len(rows.y))[:: 1 if all_landmarks else 2]
    head = KernelHead(D, C, gamma=2.0)
    k = (1 - share) * head.set_landmarks(rows.x, landmarks) + share * rows.words[:, landmarks]
    fit = model(penalty=penalty).fit(k, rows.y, landmarks, rows.groups)
    assert np.isfinite(fit.left_out_).all()
    np.testing.assert_allclose(fit.predict_proba(k).sum(1), 1)
    if penalty > 0.1 and not share:
        head.set_coefficients(fit)
        found = head(rows.x).softmax(1).numpy()
        np.testing.assert_allclose(found, fit.predict_proba(k), atol=5e-3)


@settings(deadline=None)
@given(copies())
def test_scores_without_the_group_are_right_with_copies(rows: Copies) -> None:
    k = KernelHead(D, C, gamma=2.0).set_landmarks(rows.x, np.arange(len(rows.y)))
    whole = model(balanced=False).fit(k, rows.y, groups=rows.groups)
    left = rows.groups != rows.groups[-1]
    if not left.any():
        # Nothing is left to learn from but how common the classes are.
        target = np.where(np.eye(C)[rows.y] > 0, 1.0, -1 / (C - 1))
        np.testing.assert_allclose(whole.left_out_, np.tile(target.mean(0), (len(left), 1)))
        return
    fit = model(balanced=False).fit(k[np.ix_(left, left)], rows.y[left], classes=np.arange(C))
    expected = fit.decision_function(k[np.ix_(~left, left)])
    np.testing.assert_allclose(whole.left_out_[~left], expected, atol=1e-3)


def test_a_kernel_that_is_not_quite_positive_definite_gets_more_jitter(
    y: NDArray[np.int64],
) -> None:
    # 60 copies, rounded to float32 and worse.
    k = 1 + 1e-4 * np.random.default_rng(0).normal(size=(N, N))
    fit = model().fit((k + k.T) / 2, y)
    assert np.isfinite(fit.left_out_).all()


@pytest.mark.parametrize("moved", [0.1, 1e4])
def test_a_feature_that_hardly_moved_in_training_decides_nothing_later(moved: float) -> None:
    x = torch.randn(50, 20, generator=torch.Generator().manual_seed(0))
    x[:, 0] = 3 + 1e-4 * x[:, 0]
    woken = x.clone()
    woken[:, 0] += moved
    kernel_head = KernelHead(20, C, gamma=2.0)
    kernel_head.set_landmarks(x, np.arange(50))
    cosine = (kernel_head.scaled(x) * kernel_head.scaled(woken)).sum(1)
    assert cosine.mean() > (0.9 if moved < 1 else 0.5)
    head = Head(20, C, dropout=0.0)
    for _ in range(100):
        head(x)
    with torch.inference_mode():
        before, after = (head.eval()(rows) for rows in (x, woken))
    assert (after - before).abs().max() <= 2 * 5 * head[-1].weight.abs().max()


def test_features_of_one_value_are_left_out() -> None:
    x = torch.randn(50, 20, generator=torch.Generator().manual_seed(0))
    x[:, :15] = 7
    head = KernelHead(20, C, gamma=2.0)
    head.set_landmarks(x, np.arange(50))
    assert head.scaled(x)[:, :15].abs().max() < 1e-3
    np.testing.assert_allclose(head.scaled(x).norm(dim=1), 1, rtol=1e-5)
