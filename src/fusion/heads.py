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

from src.errors import UserError
from src.fusion.conditional_logit import ConditionalLogit


def make_head(kind: str, settings: dict[str, Any], num_classes: int, seed: int) -> Any:
    """Return an unfitted classifier with scikit-learn's fit(X, y) and predict_proba(X).

    Args:
        kind: nn, logreg, knn, random_forest or stack.
        settings: the head's own settings in params.yaml, handed to scikit-learn.
        num_classes: C, of the whole table.
    """
    if kind == "stack":
        return ConditionalLogit(num_classes, **settings)
    if kind == "nn":
        head: Any = BalancedMLP(**settings, random_state=seed)
    elif kind == "logreg":
        head = LogisticRegression(**settings)
    elif kind == "knn":
        head = KNeighborsClassifier(**settings)
    elif kind == "random_forest":
        head = RandomForestClassifier(**settings, n_jobs=-1, random_state=seed)
    else:
        raise UserError(
            f"head is {kind!r}; expected one of nn, logreg, knn, random_forest, stack: "
            "set `head` of the row under fusion in params.yaml"
        )
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
