"""The heads: scikit-learn classifiers over scaled columns, by name."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    clone,
)
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterGrid
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from src.core.errors import UserError
from src.fusion.conditional_logit import ConditionalLogit

# Settings that say how long a fit may take.
_DURATIONS = ("max_fun", "max_iter", "n_estimators", "n_iter_no_change")

_LEAST_SPREAD, _LARGEST = 0.01, 5.0


def make_heads(
    kind: str, settings: dict[str, Any], grid: dict[str, list[Any]], num_classes: int, seed: int
) -> list[Any]:
    """Return a head for each combination of the grid's values, in place of those in `settings`."""
    return [make_head(kind, settings | values, num_classes, seed) for values in ParameterGrid(grid)]


def make_head(kind: str, settings: dict[str, Any], num_classes: int, seed: int) -> Any:
    """Return an unfitted classifier with scikit-learn's `fit(X, y)` and `predict_proba(X)`.

    Args:
        kind: nn, logreg, knn, random_forest, stack or gbdt.
        settings: the arguments of its class, from `settings` in params.yaml.
        num_classes: C, of the whole table.
        seed: for heads that draw random numbers.

    Raises:
        ValueError: there is no such head.
    """
    head: Any
    match kind:
        case "nn":
            weight = settings.get("class_weight")
            own = {name: value for name, value in settings.items() if name != "class_weight"}
            head = ClassWeighted(MLPClassifier(**own, random_state=seed), weight)
        case "logreg":
            head = LogisticRegression(**settings)
        case "knn":
            head = Voters(KNeighborsClassifier(**settings))
        case "random_forest":
            head = Voters(RandomForestClassifier(**settings, random_state=seed, n_jobs=-1))
        case "stack":
            # One weight per model needs no scaling.
            return ConditionalLogit(num_classes, **settings)
        case "gbdt":
            # Trees need no scaling. Stopping early would split near-duplicates to see when.
            return HistGradientBoostingClassifier(
                **settings, early_stopping=False, random_state=seed
            )
        case _:
            raise ValueError(f"there is no head {kind!r}")
    # Distances, penalties and step sizes assume columns of one scale.
    return Pipeline([("scale", Standardise()), ("head", head)])


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


class Standardise(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Bring columns to mean 0 and spread 1, but none so far that it speaks louder than the others.

    scikit-learn's StandardScaler makes values of 30,000 of a column that hardly ever moved. Here a
    spread is at least a hundredth of the median one, and values are cut at 5.
    """

    def fit(self, X: NDArray[np.float32], y: object = None) -> Standardise:
        """Take mean and spread of the columns of X [N, D]."""
        X = validate_data(self, X, dtype=(np.float32, np.float64))
        self.mean_, spread = X.mean(0), X.std(0)
        self.spread_ = np.maximum(spread, max(_LEAST_SPREAD * np.median(spread), 1e-6))
        return self

    def transform(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the standardised columns, [N, D]."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float32, np.float64), reset=False)
        cut: NDArray[np.float32] = np.clip((X - self.mean_) / self.spread_, -_LARGEST, _LARGEST)
        return cut


class ClassWeighted(ClassifierMixin, BaseEstimator):
    """scikit-learn's multilayer perceptron with the `class_weight` of its other classifiers.

    Args:
        estimator: the classifier; it stays as it is, `estimator_` is the fitted one.
        class_weight: "balanced" gives all classes the same total weight; None, all listings.
    """

    def __init__(self, estimator: MLPClassifier, class_weight: str | None = None) -> None:
        self.estimator = estimator
        self.class_weight = class_weight

    def fit(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> ClassWeighted:
        """Fit on X [N, D] and classes y [N]."""
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        weight = compute_sample_weight(self.class_weight, y)
        with warnings.catch_warnings():
            # max_iter is the number of epochs that was asked for, not a failure to converge.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.estimator_ = clone(self.estimator).fit(X, y, sample_weight=weight)
        self.classes_ = self.estimator_.classes_
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return class probabilities, [N, C]."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        probs: NDArray[np.float64] = self.estimator_.predict_proba(X)
        return probs

    def predict(self, X: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the most probable classes, [N]."""
        best = self.predict_proba(X).argmax(1)
        classes: NDArray[np.int64] = self.classes_[best]
        return classes


class Voters(ClassifierMixin, BaseEstimator):
    """Neighbours or trees, joined by one voter more that knows only the shares of the classes.

    So no class has a probability of 0, and classes without a vote stand in the order of their
    shares. Where there are fewer listings than `n_neighbors`, all are neighbours.

    Args:
        estimator: scikit-learn's classifier; it stays as it is, `estimator_` is the fitted one.
    """

    def __init__(self, estimator: KNeighborsClassifier | RandomForestClassifier) -> None:
        self.estimator = estimator

    def fit(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> Voters:
        """Fit on X [N, D] and classes y [N]."""
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.estimator_ = clone(self.estimator)
        if isinstance(self.estimator_, KNeighborsClassifier):
            self.estimator_.n_neighbors = min(self.estimator_.n_neighbors, len(X))
        self.estimator_.fit(X, y)
        if isinstance(self.estimator_, RandomForestClassifier):
            # Several threads would add up the votes in any order.
            self.estimator_.n_jobs = 1
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares_ = counts / len(y)
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return class probabilities, [N, C]."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        votes: NDArray[np.float64] = self.estimator_.predict_proba(X)
        neighbours = isinstance(self.estimator_, KNeighborsClassifier)
        voters = getattr(self.estimator_, "n_neighbors" if neighbours else "n_estimators")
        return (voters * votes + self.shares_) / (voters + 1)

    def predict(self, X: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the most probable classes, [N]."""
        best = self.predict_proba(X).argmax(1)
        classes: NDArray[np.int64] = self.classes_[best]
        return classes
