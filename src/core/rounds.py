"""The rounds of cross-validation."""

from __future__ import annotations

import pandas as pd


def cv_rounds(table: pd.DataFrame) -> list[pd.Series]:
    """Return the split of every listing in each round of cross-validation, [N] each.

    With K folds, round k tests on fold k, validates on fold k + 1 (fold 0 after the last) and
    trains on the rest, so every listing is tested once. Without folds there is one round, with the
    table's own split.

    Args:
        table: listings with `split` and `fold` of PREPARED.
    """
    folds = int(table["fold"].max()) + 1
    if not folds:
        return [table["split"]]
    distances = ((table["fold"] - k) % folds for k in range(folds))
    return [
        distance.map({0: "test", 1: "val"}).fillna("train").astype("str").rename("split")
        for distance in distances
    ]
