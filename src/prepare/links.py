"""Links between listings, and the groups that they make."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# Pairs of positions of listings, [P, 2].
Pairs = NDArray[np.int64]


def to_first(keys: pd.Series) -> Pairs:
    """Pair each position with the first one of the same key; missing keys equal nothing.

    Args:
        keys: of some positions, which are its index.
    """
    keys = keys.dropna()
    place = keys.index.to_numpy()
    first = keys.index.to_series().groupby(keys).transform("first").to_numpy()
    return np.stack([first, place], axis=1)[first != place]


def components(pairs: Pairs, size: int) -> tuple[int, NDArray[np.int32]]:
    """Return how many groups the links between `size` listings make, and the group of each."""
    links = (pairs[:, 0], pairs[:, 1])
    graph = coo_array((np.ones(len(pairs), np.int8), links), (size, size))
    count, component = connected_components(graph, directed=False)
    return count, component
