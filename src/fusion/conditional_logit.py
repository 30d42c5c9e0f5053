"""Logistic regression over log-probabilities with one weight per model: the `stack` head."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_scalar
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from src.core.targets import cautious_targets


class ConditionalLogit(ClassifierMixin, BaseEstimator):
    """Combine the log-probabilities of several models by one weight per model.

    The logit of class c is the sum over models m of w_m log p_m(c), plus v_c . z + b_c for the
    other columns z. This is a conditional logit (McFadden, "Conditional logit analysis of
    qualitative choice behavior", 1974). With so few parameters, some hundred held-out listings
    suffice; of one model alone, only the calibration changes. It is fitted to `cautious_targets`,
    otherwise the weights of models without a mistake would grow without bound.

    Args:
        num_classes: C; then the classes are 0 to C - 1. None: the classes that occur in y.
        penalty: weight of the squares of v and b, relative to the mean loss.
        class_weight: "balanced" gives all classes the same total weight; None, all listings.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        penalty: float = 0.001,
        class_weight: str | None = None,
    ) -> None:
        self.num_classes = num_classes
        self.penalty = penalty
        self.class_weight = class_weight

    def fit(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> ConditionalLogit:
        """Fit on X and classes y [N].

        Args:
            X: C log-probabilities of each of m models, then p < C other columns, [N, m C + p].

        Raises:
            TypeError, ValueError: `penalty` is not a number of at least 0.
        """
        check_scalar(self.penalty, "penalty", Real, min_val=0)
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        if self.num_classes is None:
            self.classes_, y = np.unique(y, return_inverse=True)
        else:
            self.classes_ = np.arange(self.num_classes)
        logs, others = self._divided(X)
        self.mean_, self.std_ = others.mean(0), others.std(0) + 1e-6
        z = self._design(others)
        weight = compute_sample_weight(self.class_weight, y) / len(y)
        truth = cautious_targets(y, len(self.classes_))
        models = len(logs)

        def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            w, v = flat[:models], flat[models:].reshape(z.shape[1], -1)
            log_p = log_softmax(np.tensordot(w, logs, 1) + z @ v, axis=1)
            error = (np.exp(log_p) - truth) * weight[:, None]
            value = -(log_p * truth).sum(1) @ weight + self.penalty * (v**2).sum()
            slope_w = (logs * error).sum((1, 2))
            slope_v = z.T @ error + 2 * self.penalty * v
            return value, np.concatenate([slope_w, slope_v.ravel()])

        start = np.concatenate([np.ones(models), np.zeros(z.shape[1] * len(self.classes_))])
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
        self.weights_ = found.x[:models]
        self.coef_ = found.x[models:].reshape(z.shape[1], -1)
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return class probabilities, [N, C], for the columns that `fit` takes."""
        check_is_fitted(self)
        logs, others = self._divided(validate_data(self, X, reset=False))
        logits = np.tensordot(self.weights_, logs, 1) + self._design(others) @ self.coef_
        probs: NDArray[np.float64] = np.exp(log_softmax(logits, axis=1))
        return probs

    def predict(self, X: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the most probable classes, [N]."""
        best = self.predict_proba(X).argmax(1)
        classes: NDArray[np.int64] = self.classes_[best]
        return classes

    def _divided(self, X: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the log-probabilities, [m, N, C], and the other columns, [N, p]."""
        models, others = divmod(X.shape[1], len(self.classes_))
        logs = X[:, : X.shape[1] - others].astype(float)
        blocks = logs.reshape(len(X), models, len(self.classes_)).transpose(1, 0, 2)
        return blocks, X[:, X.shape[1] - others :].astype(float)

    def _design(self, others: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the other columns standardised, and a column of ones, [N, p + 1]."""
        return np.column_stack([(others - self.mean_) / self.std_, np.ones(len(others))])
