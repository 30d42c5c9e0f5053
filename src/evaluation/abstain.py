"""The accuracy that is left when a model may abstain on listings that it is unsure of."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TARGETS = (0.90, 0.95)


def percent_name(target: float) -> str:
    """Return a target as it is part of a score's name: 0.9 as `90`."""
    return f"{target:.0%}".rstrip("%")


def accuracy_by_share(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the accuracy on the listings answered, for every possible threshold.

    Geifman and El-Yaniv, "Selective classification for deep neural networks" (2017).

    Args:
        confidence: the top probability of each listing, [N].
        right: whether the top class is the listing's category, [N].

    Returns:
        threshold (listings of at least this confidence are answered), and n, share (the coverage)
        and accuracy of the listings answered; from the highest threshold to the lowest, at which
        all are answered.
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


def thinned(curve: pd.DataFrame) -> pd.DataFrame:
    """Keep at most one line of `accuracy_by_share` for each hundredth of the share answered."""
    hundredth = np.ceil(curve["share"] * 100 - 1e-9)
    return curve.groupby(hundredth).tail(1)


def area_under(curve: pd.DataFrame) -> float:
    """Return the area under `accuracy_by_share`: the mean accuracy over all shares answered.

    1 for a model that is always right; its accuracy if its confidence is uninformative.
    """
    widths = np.diff(curve["share"].to_numpy(), prepend=0)
    return float((widths * curve["accuracy"].to_numpy()).sum())


def threshold_for(curve: pd.DataFrame, accuracy: float) -> tuple[float, float] | None:
    """Return the threshold that answers most at that accuracy, and its share; None if none does.

    It is chosen on the listings that it is measured on, so it is optimistic if they are few.
    """
    enough = curve[curve["accuracy"] >= accuracy]
    if enough.empty:
        return None
    widest = enough.iloc[-1]
    return float(widest["threshold"]), float(widest["share"])
