"""Kernel ridge regression on features that are there already: closed form, no epochs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

Matrix = NDArray[np.float64]
# More landmarks than this cost much time for little.
LANDMARKS = 4000
# Enough for fast matrix products, few enough for memory.
GROUPS_AT_ONCE = 1000


class KernelFit(NamedTuple):
    """Scores of a listing are kernel(listing, landmarks) [1, M] @ `coef` [M, C] + `bias` [C].

    Its probabilities are the softmax of `temperature` times the scores.
    """

    coef: Matrix
    bias: Matrix
    temperature: float
    # What each of the N rows' scores would be without its group, [N, C].
    without: Matrix


def choose_landmarks(n: int, seed: int) -> NDArray[np.intp]:
    """Positions of the rows that the kernel is spanned by: all of N, or LANDMARKS of them."""
    if n <= LANDMARKS:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, LANDMARKS, replace=False))


def fit_kernel(
    rows: Matrix,
    landmarks: Matrix,
    y: NDArray[np.int64],
    groups: NDArray[np.str_],
    num_classes: int,
    penalty: float,
    balanced: bool,
) -> KernelFit:
    """Fit one-against-all targets by least squares, all classes weighing alike if `balanced`.

    Minimises the weighted squares plus `penalty` times the squared norm in the kernel's space,
    which the landmarks span (all rows: exact; some: the Nyström method, Williams & Seeger 2001).
    The temperature is fitted on what each row's score would be without its near-duplicate group,
    which least squares give in closed form (Cook & Weisberg 1982).

    Args:
        rows: kernel of the rows with the landmarks, [N, M]; is overwritten.
        landmarks: kernel of the landmarks with each other, [M, M]; is overwritten.
        y: classes, [N].
        groups: near-duplicate groups, [N].
    """
    count = np.bincount(y, minlength=num_classes)
    weight = np.ones(len(y))
    if balanced:
        weight = (len(y) / np.maximum(count, 1) / (count > 0).sum())[y]
    target = np.where(np.eye(num_classes)[y] > 0, 1.0, -1 / (num_classes - 1))

    # Features whose inner products are the kernel. Symmetric matrices are handed over transposed,
    # for only in columns, as LAPACK has them, can they be overwritten.
    landmarks[np.diag_indices_from(landmarks)] += 1e-6
    root = cholesky(landmarks.T, lower=True, overwrite_a=True)
    x = solve_triangular(root, rows.T, lower=True, overwrite_b=True).T
    # Weighted centring takes the bias out of the penalty.
    x_mean, y_mean = (weight @ a / weight.sum() for a in (x, target))
    scale = np.sqrt(weight)[:, None]
    # In place: with many rows this is by far the largest array.
    x -= x_mean
    x *= scale
    gram = x.T @ x
    gram[np.diag_indices_from(gram)] += penalty
    factor = cho_factor(gram.T, lower=True, overwrite_a=True)
    slope = cho_solve(factor, x.T @ ((target - y_mean) * scale))
    residual = (target - y_mean) * scale - x @ slope

    without = np.empty_like(target)
    members = _members(groups)
    for first in range(0, len(members), GROUPS_AT_ONCE):
        some = members[first : first + GROUPS_AT_ONCE]
        halves = solve_triangular(factor[0], x[np.concatenate(some)].T, lower=True).T
        ends = np.cumsum([len(i) for i in some])
        for i, half in zip(some, np.split(halves, ends[:-1]), strict=True):
            # The second part is the bias, which moves with every row.
            hat = half @ half.T + scale[i] @ scale[i].T / weight.sum()
            without[i] = target[i] - np.linalg.solve(np.eye(len(i)) - hat, residual[i]) / scale[i]

    def loss(log_temperature: float) -> float:
        log_p = log_softmax(np.exp(log_temperature) * without, axis=1)
        return float(-np.average(log_p[np.arange(len(y)), y], weights=weight))

    best = minimize_scalar(loss, bounds=(-3, 5), method="bounded").x
    coef = solve_triangular(root, slope, lower=True, trans="T")
    return KernelFit(coef, y_mean - x_mean @ slope, float(np.exp(best)), without)


def _members(groups: NDArray[np.str_]) -> list[NDArray[np.intp]]:
    _, number = np.unique(groups, return_inverse=True)
    return np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
