"""Scores of one row on the listings that it is tested on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support


def score(
    actual: NDArray[np.str_], predicted: NDArray[np.str_], has_photo: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return macro F1, accuracy and n, on all listings and (`_photo`) on those with a photo.

    Macro F1 is the mean over the categories that occur among the listings scored.

    Args:
        actual, predicted: categories, [N].
        has_photo: which listings have a photo, [N].
    """
    scores: dict[str, Any] = {}
    for suffix, rows in (("", np.ones(len(actual), bool)), ("_photo", has_photo)):
        scores[f"n{suffix}"] = int(rows.sum())
        if rows.any():
            scores[f"f1_macro{suffix}"] = macro_f1(actual[rows], predicted[rows])
            scores[f"accuracy{suffix}"] = round(accuracy_score(actual[rows], predicted[rows]), 6)
    return scores


def as_labelled_scores(
    actual: NDArray[np.str_], predicted: NDArray[np.str_], was: NDArray[np.str_]
) -> dict[str, float]:
    """Return macro F1 and accuracy by the labels before people corrected them; {} if they did not.

    Args:
        actual, predicted, was: the right, the predicted and the former category, [N].
    """
    if (actual == was).all():
        return {}
    return {
        "f1_macro_as_labelled": macro_f1(was, predicted),
        "accuracy_as_labelled": round(float((was == predicted).mean()), 6),
    }


def seen_scores(
    actual: NDArray[np.str_], predicted: NDArray[np.str_], seen: NDArray[np.bool_]
) -> dict[str, float]:
    """Return the leaky row's accuracy on the listings that an encoder saw, and on the others.

    With f the share that was seen, its accuracy is f times the first plus (1 - f) times the second.
    """
    right = actual == predicted
    scores = {"share_seen": round(float(seen.mean()), 6)}
    for name, rows in (("seen", seen), ("unseen", ~seen)):
        if rows.any():
            scores[f"accuracy_{name}"] = round(float(right[rows].mean()), 6)
    return scores


def seed_scores(
    actual: NDArray[np.str_], predicted: Sequence[NDArray[np.str_]]
) -> dict[str, float]:
    """Return the spread of macro F1 and accuracy over seeds; {} for one seed.

    It is the sample standard deviation of one fit's score, not of the mean of all fits.

    Args:
        actual: categories, [N].
        predicted: the categories that each fit predicts, [N] each.
    """
    if len(predicted) < 2:
        return {}
    scores = {
        "f1": [macro_f1(actual, one) for one in predicted],
        "accuracy": [float((actual == one).mean()) for one in predicted],
    }
    return {f"{name}_seed_std": round(float(np.std(s, ddof=1)), 6) for name, s in scores.items()}


def hidden_scores(
    actual: NDArray[np.str_],
    classes: NDArray[np.str_],
    without: Mapping[str, NDArray[np.float32]],
) -> dict[str, float]:
    """Return a fused row's macro F1 with inputs hidden, as f1_macro_<what stays>.

    Args:
        actual: categories, [N].
        classes: names of the classes, [C].
        without: class probabilities, [N, C] each, by what stays.
    """
    return {
        f"f1_macro_{name}": macro_f1(actual, classes[probs.argmax(1)])
        for name, probs in without.items()
    }


def per_class(actual: NDArray[np.str_], predicted: NDArray[np.str_]) -> pd.DataFrame:
    """Return one line for each category: category, precision, recall, f1, n."""
    names = np.unique(actual)
    precision, recall, f1, n = precision_recall_fscore_support(
        actual, predicted, labels=names, zero_division=0
    )
    return pd.DataFrame(
        {"category": names, "precision": precision, "recall": recall, "f1": f1, "n": n}
    )


def macro_f1(actual: NDArray[np.str_], predicted: NDArray[np.str_]) -> float:
    """Return the mean F1 over the categories that occur in `actual`, rounded to six digits."""
    names = np.unique(actual)
    f1 = f1_score(actual, predicted, labels=names, average="macro", zero_division=0)
    return round(float(f1), 6)
