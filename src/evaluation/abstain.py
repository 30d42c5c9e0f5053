"""What accuracy is left when the model may stay silent on listings it is unsure of."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TARGETS = (0.90, 0.95)


def accuracy_by_share(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> pd.DataFrame:
    """Accuracy on the listings answered, for every threshold that tells listings apart.

    Geifman and El-Yaniv, "Selective classification for deep neural networks" (2017).

    Args:
        confidence: the top probability of each listing, [N].
        right: whether the top class is the category, [N].

    Returns:
        threshold (a listing is answered from this confidence on), n, share and accuracy of the
        listings answered; from the highest threshold to the lowest, which answers all.
    """
    by_threshold = pd.DataFrame({"threshold": confidence, "right": right}).groupby("threshold")
    counts = by_threshold["right"].agg(["size", "sum"]).sort_index(ascending=False).cumsum()
    n = counts["size"].to_numpy()
    return pd.DataFrame(
        {
            "threshold": counts.index.to_numpy(dtype=float),
            "n": n,
            "share": n / len(right),
            "accuracy": counts["sum"].to_numpy() / n,
        }
    )


def drawn(curve: pd.DataFrame) -> pd.DataFrame:
    """Thin the curve to at most one line for each hundredth of the share answered."""
    hundredth = np.ceil(curve["share"] * 100 - 1e-9)
    return curve.groupby(hundredth).tail(1)


def area(curve: pd.DataFrame) -> float:
    """Mean accuracy over all shares answered, as steps: the area under `accuracy_by_share`.

    1 for a model that is always right; the plain accuracy for one whose confidence says nothing.
    """
    widths = np.diff(curve["share"].to_numpy(), prepend=0)
    return float((widths * curve["accuracy"].to_numpy()).sum())


def threshold_for(curve: pd.DataFrame, accuracy: float) -> tuple[float, float] | None:
    """Return the threshold that answers most at that accuracy, and its share; None if none does.

    Chosen on the listings that it is measured on, so a little kind where they are few.
    """
    enough = curve[curve["accuracy"] >= accuracy]
    if enough.empty:
        return None
    widest = enough.iloc[-1]
    return float(widest["threshold"]), float(widest["share"])
