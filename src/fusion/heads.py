"""The heads: scikit-learn classifiers over scaled columns, by name."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted, validate_data

from src.core.errors import UserError
from src.fusion.conditional_logit import ConditionalLogit

# Settings that say how long a fit may take.
_DURATIONS = ("max_fun", "max_iter", "n_estimators", "n_iter_no_change")


def make_head(kind: str, settings: dict[str, Any], num_classes: int, seed: int) -> Any:
    """Return an unfitted classifier with scikit-learn's `fit(X, y)` and `predict_proba(X)`.

    Args:
        kind: nn, logreg, knn, random_forest or stack.
        settings: the arguments of its class, from `settings` in params.yaml.
        num_classes: C, of the whole table.
        seed: for heads that draw random numbers.

    Raises:
        ValueError: there is no such head.
    """
    head: Any
    match kind:
        case "nn":
            head = BalancedMLP(**settings, random_state=seed)
        case "logreg":
            head = LogisticRegression(**settings)
        case "knn":
            head = Neighbours(KNeighborsClassifier(**settings))
        case "random_forest":
            head = RandomForestClassifier(**settings, random_state=seed, n_jobs=-1)
        case "stack":
            # One weight per model needs no scaling.
            return ConditionalLogit(num_classes, **settings)
        case _:
            raise ValueError(f"there is no head {kind!r}")
    # Distances, penalties and step sizes assume columns of one scale.
    return Pipeline([("scale", StandardScaler()), ("head", head)])


def require_settings(path: str, kind: str, settings: dict[str, Any]) -> None:
    """Fit a head to a few random rows, which shows whether its settings have values that it takes.

    Args:
        path: of the settings in params.yaml, for the message.
        kind, settings: as for `make_head`.

    Raises:
        UserError: it does not take them.
    """
    # Two models' probabilities of three classes; not every setting takes more than two.
    X, y = np.random.default_rng(0).uniform(0.1, 1, (42, 6)), np.tile([0, 1, 2], 14)
    # What a setting may be does not depend on how long the fit goes on.
    quick = {
        name: min(value, 10) if name in _DURATIONS and isinstance(value, int) else value
        for name, value in settings.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            make_head(kind, quick, num_classes=3, seed=0).fit(X, y)
        except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"params.yaml: {path} is {settings}; {reason}") from error


class BalancedMLP(MLPClassifier):
    """A multilayer perceptron whose loss gives all classes the same weight, as other heads do."""

    def fit(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> BalancedMLP:
        """Fit on X [N, D] and classes y [N]."""
        X, y = validate_data(self, X, y, accept_sparse=["csr", "csc"], multi_output=True)
        with warnings.catch_warnings():
            # max_iter is the number of epochs that was asked for, not a failure to converge.
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, y, sample_weight=compute_sample_weight("balanced", y))
        return self


class Neighbours(ClassifierMixin, BaseEstimator):
    """Nearest neighbours that takes all listings where there are fewer than `n_neighbors`.

    Args:
        estimator: scikit-learn's classifier; it stays as it is, `estimator_` is the fitted one.
    """

    def __init__(self, estimator: KNeighborsClassifier) -> None:
        self.estimator = estimator

    def fit(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> Neighbours:
        """Fit on X [N, D] and classes y [N]."""
        X, y = validate_data(self, X, y)
        n_neighbors = min(self.estimator.n_neighbors, len(X))
        self.estimator_ = clone(self.estimator).set_params(n_neighbors=n_neighbors).fit(X, y)
        self.classes_ = self.estimator_.classes_
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return class probabilities, [N, C]."""
        check_is_fitted(self)
        probs: NDArray[np.float64] = self.estimator_.predict_proba(X)
        return probs

    def predict(self, X: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the most probable classes, [N]."""
        check_is_fitted(self)
        classes: NDArray[np.int64] = self.estimator_.predict(X)
        return classes


# The classes of this project that a saved head may hold.
HEAD_TYPES = (BalancedMLP, ConditionalLogit, Neighbours)
