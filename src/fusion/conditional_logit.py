"""Logistic regression over log-probabilities with one weight per model: the `stack` head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight


class ConditionalLogit(ClassifierMixin, BaseEstimator):
    """Weigh each model's log-probabilities by one number, other columns by one per class.

    The logit of class c is the sum over models m of w_m log p_m(c), plus v_c . z + b_c for the
    other columns z. A conditional logit (McFadden 1974): with as few numbers as this, some
    hundred held-out listings are enough, and one model alone is merely calibrated.

    Args:
        num_classes: C; the columns of X are blocks of C log-probabilities, then up to C - 1
            others (the price).
        penalty: weight of the squares of v and b, relative to the mean loss.
    """

    def __init__(self, num_classes: int, penalty: float = 0.001) -> None:
        self.num_classes = num_classes
        self.penalty = penalty

    def fit(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> ConditionalLogit:
        """Fit on X [N, m C + p] and classes y [N]; all classes weigh alike."""
        self.classes_ = np.arange(self.num_classes)
        logs, others = self._divide(X)
        self.mean_, self.std_ = others.mean(0), others.std(0) + 1e-6
        z = self._design(others)
        weight = compute_sample_weight("balanced", y) / len(y)
        truth = np.eye(self.num_classes)[y]
        models = len(logs)

        def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            w, v = flat[:models], flat[models:].reshape(z.shape[1], -1)
            log_p = log_softmax(np.tensordot(w, logs, 1) + z @ v, axis=1)
            error = (np.exp(log_p) - truth) * weight[:, None]
            value = -(log_p * truth).sum(1) @ weight + self.penalty * (v**2).sum()
            slope_w = (logs * error).sum((1, 2))
            slope_v = z.T @ error + 2 * self.penalty * v
            return value, np.concatenate([slope_w, slope_v.ravel()])

        start = np.concatenate([np.ones(models), np.zeros(z.shape[1] * self.num_classes)])
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
        self.weights_ = found.x[:models]
        self.coef_ = found.x[models:].reshape(z.shape[1], -1)
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return class probabilities, [N, C]."""
        logs, others = self._divide(X)
        logits = np.tensordot(self.weights_, logs, 1) + self._design(others) @ self.coef_
        probs: NDArray[np.float64] = np.exp(log_softmax(logits, axis=1))
        return probs

    def _divide(self, X: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        models, others = divmod(X.shape[1], self.num_classes)
        logs = X[:, : X.shape[1] - others].astype(float)
        blocks = logs.reshape(len(X), models, self.num_classes).transpose(1, 0, 2)
        return blocks, X[:, X.shape[1] - others :].astype(float)

    def _design(self, others: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack([(others - self.mean_) / self.std_, np.ones(len(others))])
