"""The heads: scikit-learn classifiers over scaled blocks, by name."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from src.core.errors import UserError
from src.fusion.conditional_logit import ConditionalLogit


def make_head(kind: str, settings: dict[str, Any], num_classes: int, seed: int) -> Any:
    """Return an unfitted classifier with scikit-learn's fit(X, y) and predict_proba(X).

    Args:
        kind: nn, logreg, knn, random_forest or stack.
        settings: the head's own settings in params.yaml, handed to scikit-learn.
        num_classes: C, of the whole table.
    """
    if kind not in KINDS:
        raise UserError(
            f"head is {kind!r}; expected one of {', '.join(KINDS)}: "
            "set `head` of the row under fusion in params.yaml"
        )
    fixed: dict[str, Any] = {
        "nn": {"random_state": seed},
        "random_forest": {"random_state": seed, "n_jobs": -1},
        "stack": {"num_classes": num_classes},
    }.get(kind, {})
    try:
        head = KINDS[kind](**settings, **fixed)
    except TypeError as error:
        raise UserError(
            f"settings of the head {kind}: {error}: mend `settings` of the row in params.yaml"
        ) from error
    if kind == "stack":
        return head
    # Distances, penalties and steps all take for granted that columns are of one scale.
    return Pipeline([("scale", StandardScaler()), ("head", head)])


class BalancedMLP(MLPClassifier):
    """A small network whose loss weighs all classes alike, as the other heads' do."""

    def fit(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> BalancedMLP:
        with warnings.catch_warnings():
            # max_iter is the number of epochs that was asked for, not a failure to converge.
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, y, sample_weight=compute_sample_weight("balanced", y))
        return self


class Neighbours(KNeighborsClassifier):
    """Nearest neighbours that make do with all listings where there are fewer than asked for."""

    def fit(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> Neighbours:
        self.n_neighbors: int = min(self.n_neighbors, len(X))
        super().fit(X, y)
        return self


KINDS: dict[str, Any] = {
    "nn": BalancedMLP,
    "logreg": LogisticRegression,
    "knn": Neighbours,
    "random_forest": RandomForestClassifier,
    "stack": ConditionalLogit,
}
