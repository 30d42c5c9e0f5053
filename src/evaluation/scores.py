"""Scores of one row on the listings it is judged on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support


def score(
    actual: NDArray[np.str_], predicted: NDArray[np.str_], photo: NDArray[np.bool_]
) -> dict[str, Any]:
    """Macro F1, accuracy and n, on all judged listings and on those with a photo.

    The mean of F1 is taken over the categories that occur among the listings in question.
    """
    scores: dict[str, Any] = {}
    for suffix, rows in (("", np.ones(len(actual), bool)), ("_photo", photo)):
        scores[f"n{suffix}"] = int(rows.sum())
        if rows.any():
            scores[f"f1_macro{suffix}"] = macro_f1(actual[rows], predicted[rows])
            scores[f"accuracy{suffix}"] = round(accuracy_score(actual[rows], predicted[rows]), 6)
    return scores


def score_seen(
    actual: NDArray[np.str_], predicted: NDArray[np.str_], seen: NDArray[np.bool_]
) -> dict[str, float]:
    """Take the leaky score apart: accuracy on listings that an encoder saw, and on the others.

    With f the share that was seen, accuracy is f times the first plus (1 - f) times the second.
    """
    parts = {"seen": seen, "unseen": ~seen}
    right = actual == predicted
    return {
        "share_seen": round(float(seen.mean()), 6),
        **{f"accuracy_{k}": round(float(right[v].mean()), 6) for k, v in parts.items() if v.any()},
    }


def per_class(actual: NDArray[np.str_], predicted: NDArray[np.str_]) -> pd.DataFrame:
    """One line per category: category, precision, recall, f1, n."""
    names = np.unique(actual)
    precision, recall, f1, n = precision_recall_fscore_support(
        actual, predicted, labels=names, zero_division=0
    )
    return pd.DataFrame(
        {"category": names, "precision": precision, "recall": recall, "f1": f1, "n": n}
    )


def macro_f1(actual: NDArray[np.str_], predicted: NDArray[np.str_]) -> float:
    """Mean F1 over the categories that occur in `actual`, rounded to six digits."""
    names = np.unique(actual)
    f1 = f1_score(actual, predicted, labels=names, average="macro", zero_division=0)
    return round(float(f1), 6)
