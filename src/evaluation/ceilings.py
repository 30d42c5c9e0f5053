"""The best possible scores on the demo, where it is known what each input reveals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.rounds import cv_rounds
from src.evaluation.scores import macro_f1


def ceilings(table: pd.DataFrame, truth: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Score ideal classifiers, which know the true category wherever their input is informative.

    Elsewhere they always guess one category, the one that gives the best score. Like the rows they
    are scored on the test split against the labels shown, wrong labels included.

    Args:
        table: the prepared listings.
        truth: the demo's, with id, category, photo_informative and text_informative.

    Returns:
        f1_macro and accuracy for each input: photo, text, both.
    """
    tested = np.logical_or.reduce([split == "test" for split in cv_rounds(table)])
    test = table[tested]
    known = truth.set_index("id").loc[test["id"]]
    shown = test["category"].to_numpy(dtype=str)
    true = known["category"].to_numpy(dtype=str)
    photo, text = (known[f"{name}_informative"].to_numpy(dtype=bool) for name in ("photo", "text"))
    return {
        "photo": _best(shown, true, photo),
        "text": _best(shown, true, text),
        "both": _best(shown, true, photo | text),
    }


def _best(
    shown: NDArray[np.str_], true: NDArray[np.str_], informative: NDArray[np.bool_]
) -> dict[str, float]:
    guesses = [np.where(informative, true, name) for name in np.unique(shown)]
    return {
        "f1_macro": max(macro_f1(shown, guess) for guess in guesses),
        "accuracy": round(max(float((shown == guess).mean()) for guess in guesses), 6),
    }
