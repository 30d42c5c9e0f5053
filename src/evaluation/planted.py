"""How well what the demo planted was found: precision and recall."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.listings import pairs_within


class Retrieved(NamedTuple):
    """Precision (1 if nothing was found) and recall (1 if there was nothing to find)."""

    precision: float
    recall: float


def pairs_found(found: NDArray[np.object_], planted: NDArray[np.object_]) -> Retrieved:
    """Compare groups of near-duplicates by pairs: two listings of one group are a pair.

    Args:
        found, planted: the group of each listing, [N].
    """
    pairs = pd.DataFrame({"found": found, "planted": planted})
    joined = pairs_within(pairs.groupby("found").size())
    true = pairs_within(pairs.groupby("planted").size())
    both = pairs_within(pairs.groupby(["found", "planted"]).size())
    return Retrieved(_share(both, joined), _share(both, true))


def labels_found(
    suspected: NDArray[np.str_], ids: NDArray[np.str_], wrong: NDArray[np.bool_]
) -> Retrieved:
    """Compare the listings suspected of a wrong label with those that have one.

    Args:
        suspected: ids of the suspected listings, [M].
        ids: all listings that were checked, [N].
        wrong: which of these have a wrong label, [N].
    """
    hit = int((np.isin(ids, suspected) & wrong).sum())
    return Retrieved(_share(hit, len(suspected)), _share(hit, int(wrong.sum())))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 1.0
