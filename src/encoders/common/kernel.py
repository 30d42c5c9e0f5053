"""Kernel ridge regression as a classifier with closed-form leave-group-out scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin

from src.core.targets import cautious_targets
from src.encoders.common.leave_out import Matrix, RidgeFit

# More landmarks than this take much more time and hardly change the result.
LANDMARKS = 4000
# Added to the diagonal of the landmarks' kernel; without it copies among them leave no root.
JITTER = 1e-6


def choose_landmarks(n: int, seed: int) -> NDArray[np.intp]:
    """Return the positions of the rows that span the kernel: all n, or LANDMARKS of them."""
    if n <= LANDMARKS:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, LANDMARKS, replace=False))


class KernelRidgeClassifier(ClassifierMixin, BaseEstimator):
    """Kernel ridge regression on one-against-all targets, for a precomputed kernel.

    Used as scikit-learn's `KernelRidge(kernel="precomputed")`, which has no landmarks, no class
    weights, no probabilities and no scores of left-out rows. The last are why this class exists:
    least squares give in closed form what the score of each row would be if the model were fitted
    without the row's group (Cook & Weisberg 1982), so the temperature of the probabilities is
    fitted on honest scores without fitting again.

    Minimises the weighted squared errors plus `penalty` times the squared norm in the kernel's
    space, which is spanned by the landmarks. If these are all rows, the solution is exact; else it
    is the Nyström method (Williams & Seeger 2001).

    Args:
        penalty: weight of the squared norm.
        class_weight: "balanced" gives all classes the same total weight.
        copy_K: whether `fit` leaves the kernel that it is given as it is.

    Attributes:
        classes_: the classes, [C].
        coef_, intercept_: scores of a listing are kernel(listing, landmarks) [1, M] @ `coef_`
            [M, C] + `intercept_` [C].
        temperature_: the probabilities are the softmax of `temperature_` times the scores; fitted
            to `cautious_targets`.
        left_out_: scores of the N rows, each as if fitted without its group and without the
            landmarks in it, [N, C]; those of a group that has all rows are the intercept.
    """

    def __init__(
        self,
        penalty: float = 1.0,
        class_weight: Literal["balanced"] | None = None,
        copy_K: bool = True,
    ) -> None:
        self.penalty = penalty
        self.class_weight = class_weight
        self.copy_K = copy_K

    def fit(
        self,
        K: Matrix,
        y: NDArray[Any],
        landmarks: NDArray[np.intp] | None = None,
        groups: NDArray[Any] | None = None,
        classes: Sequence[Any] | NDArray[Any] | None = None,
    ) -> Self:
        """Fit on N rows.

        Args:
            K: kernel of the rows with the landmarks, [N, M]; exact where rows are near-copies.
            y: class of each row, [N].
            landmarks: positions of the landmarks among the rows, [M]; by default all rows.
            groups: rows of one group are left out together, [N]; by default each row alone.
            classes: all classes in order, where `y` may lack some; by default those of `y`.
        """
        n, everyone = len(y), np.arange(len(y))
        landmarks = everyone if landmarks is None else landmarks
        group = np.unique(everyone if groups is None else groups, return_inverse=True)[1]
        self.classes_ = np.unique(y) if classes is None else np.asarray(classes)
        num_classes = len(self.classes_)
        labels = np.searchsorted(self.classes_, y)
        count = np.bincount(labels, minlength=num_classes)
        weight = np.ones(n)
        if self.class_weight == "balanced":
            weight = (n / np.maximum(count, 1) / (count > 0).sum())[labels]
        target = np.where(np.eye(num_classes)[labels] > 0, 1.0, -1 / (num_classes - 1))

        # Features whose inner products are the kernel.
        root = _root(K, landmarks)
        x = solve_triangular(root, K.T, lower=True, overwrite_b=not self.copy_K).T
        # Weighted centring takes the intercept out of the penalty.
        x_mean, y_mean = (weight @ a / weight.sum() for a in (x, target))
        scale = np.sqrt(weight)[:, None]
        # In place: with many rows this is by far the largest array.
        x -= x_mean
        x *= scale
        centred = (target - y_mean) * scale
        gram = x.T @ x
        gram[np.diag_indices_from(gram)] += self.penalty
        factor, _ = cho_factor(gram.T, lower=True, overwrite_a=True)
        slope = cho_solve((factor, True), x.T @ centred)
        self.coef_ = solve_triangular(root, slope, lower=True, trans="T")
        self.intercept_ = y_mean - x_mean @ slope

        # With all rows as landmarks, a row that is left out takes its coefficient with it. With
        # fewer, its landmark's would stay and follow chance, so it is held at 0.
        pinned = landmarks if len(landmarks) < n else landmarks[:0]
        ridge = RidgeFit(x, centred, scale, factor, slope, root)
        self.left_out_ = y_mean + ridge.without_groups(group, pinned)
        self.temperature_ = _temperature(self.left_out_, labels, weight)
        return self

    def decision_function(self, K: Matrix) -> Matrix:
        """Return scores [N, C] of the kernel of N listings with the landmarks, [N, M]."""
        scores: Matrix = K @ self.coef_ + self.intercept_
        return scores

    def predict_proba(self, K: Matrix) -> Matrix:
        """Return probabilities [N, C] of the kernel of N listings with the landmarks, [N, M]."""
        probs: Matrix = softmax(self.temperature_ * self.decision_function(K), axis=1)
        return probs

    def predict(self, K: Matrix) -> NDArray[Any]:
        """Return the likeliest class of each of N listings, [N]."""
        return self.classes_[self.decision_function(K).argmax(1)]

    def left_out_probs(self) -> Matrix:
        """Return probabilities of the rows that were fitted on, each without its group, [N, C]."""
        probs: Matrix = softmax(self.temperature_ * self.left_out_, axis=1)
        return probs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = True
        return tags


def _temperature(scores: Matrix, labels: NDArray[np.intp], weight: Matrix) -> float:
    """Return what scores [N, C] are multiplied by to be the likeliest to name the labels, [N]."""
    shown = cautious_targets(labels, scores.shape[1])

    def loss(log_temperature: float) -> float:
        log_p = log_softmax(np.exp(log_temperature) * scores, axis=1)
        return float(-np.average((shown * log_p).sum(1), weights=weight))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 5), method="bounded").x))


def _root(K: Matrix, landmarks: NDArray[np.intp]) -> Matrix:
    """Return the Cholesky factor of the landmarks' kernel, [M, M], lower.

    A kernel in float64 needs the smallest jitter. A less exact one is not quite positive definite
    where rows are near-copies, so the jitter grows until it is.
    """
    jitter = JITTER
    while True:
        square = K[landmarks]
        square[np.diag_indices_from(square)] += jitter
        try:
            # LAPACK overwrites matrices only in column order, so symmetric ones are transposed.
            root: Matrix = cholesky(square.T, lower=True, overwrite_a=True)
        except LinAlgError:
            jitter *= 10
        else:
            return root
