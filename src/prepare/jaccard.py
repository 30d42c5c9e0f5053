"""Find sets, among many, that have most of their items in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

# Positions of sets or items, [N].
Indices = NDArray[np.int64]
# How much is in memory at a time: candidate pairs, pairs to compare, and their items.
_PAIRS, _COUNTED, _ITEMS = 2_000_000, 100_000, 4_000_000
# Allows for products such as 0.7 * 10 = 7.000000000000001; far less than one item.
_ROUNDING = 1e-9


def sets_of(rows: Indices, items: Indices, count: int) -> csr_array:
    """Return sets 0 to `count` - 1, given by members [M], as a 0/1 matrix [count, items]."""
    _, columns = np.unique(items, return_inverse=True)
    shape = (count, int(columns.max(initial=0)) + 1)
    sets = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape).tocsr()
    sets.data[:] = 1
    return sets


def similarity(sets: csr_array, first: Indices, second: Indices) -> NDArray[np.float64]:
    """Return the Jaccard similarity of pairs of sets, [P]; 0 for two empty ones."""
    size = np.diff(sets.indptr).astype(np.int64)
    both = size[first] + size[second]
    cuts = np.flatnonzero(np.diff(both.cumsum() // _ITEMS)) + 1
    slices = zip(np.split(first, cuts), np.split(second, cuts), strict=True)
    common = np.concatenate([sets[a].multiply(sets[b]).sum(axis=1) for a, b in slices])
    found: NDArray[np.float64] = common / np.maximum(both - common, 1)
    return found


def joined(sets: csr_array, least: float) -> NDArray[np.int32]:
    """Join sets with a Jaccard similarity of `least` or more; returns their components, [N].

    Exact. Sorted by rarity, the first few items of two similar sets have one in common. Sets that
    share such an item are compared, except those already joined: a text that thousands posted does
    not cost millions of comparisons.

    Args:
        least: above 0.

    Prefix and positional filters: Xiao, Wang, Lin and Yu, "Efficient similarity joins for near
    duplicate detection" (2008).
    """
    count = sets.shape[0]
    component = np.arange(count, dtype=np.int32)
    size = np.diff(sets.indptr)
    held_by = np.bincount(sets.indices, minlength=sets.shape[1])
    item, row, left = prefixes(sets, least, held_by)
    while len(item):
        # Groups the sets with an item, and among them those that are already joined.
        order = np.argsort(item * count + component[row], kind="stable")
        item, row, left = item[order], row[order], left[order]
        after = _run_ends(item * count + component[row])
        partners = _run_ends(item) - after
        taken = max(1, int(np.searchsorted(partners.cumsum(), _PAIRS, side="right")))
        one, other = _pairs(after[:taken], partners[:taken])
        # At most as many items are in common as either has left from this one on.
        most = np.minimum(left[one], left[other])
        needed = least / (1 + least) * (size[row[one]] + size[row[other]])
        could = most >= needed - _ROUNDING
        firsts, seconds = row[one[could]], row[other[could]]
        for start in range(0, len(firsts), _COUNTED):
            first, second = (rows[start : start + _COUNTED] for rows in (firsts, seconds))
            apart = component[first] != component[second]
            first, second = first[apart], second[apart]
            alike = similarity(sets, first, second) >= least
            component = _join(component, first[alike], second[alike])
        item, row, left = item[taken:], row[taken:], left[taken:]
    return component


def by_rarity(held_by: Indices) -> Indices:
    """Return the items, given by how many sets hold each, the rarest first."""
    return np.argsort(held_by, kind="stable")


def prefixes(sets: csr_array, least: float, held_by: Indices) -> tuple[Indices, Indices, Indices]:
    """Return the prefix of each set, its rarest items: a similar set must share one of them.

    Args:
        held_by: how many sets hold each item, here or elsewhere.

    Returns:
        For each: the item, as its place in `by_rarity`; its set; how many items the set has from
        it on. Items that no other set holds are left out.
    """
    rarity = np.empty(len(held_by), np.int64)
    rarity[by_rarity(held_by)] = np.arange(len(held_by))
    ranked = csr_array((sets.data, rarity[sets.indices], sets.indptr), sets.shape)
    ranked.sort_indices()
    size = np.diff(sets.indptr)
    left = np.repeat(sets.indptr[1:], size) - np.arange(len(ranked.indices))
    row = np.repeat(np.arange(sets.shape[0]), size)
    shared = np.sort(held_by)[ranked.indices] > 1
    kept = shared & (left >= least * size[row] - _ROUNDING)
    return ranked.indices[kept].astype(np.int64), row[kept], left[kept].astype(np.int64)


def _run_ends(values: Indices) -> Indices:
    """Return for every position the end of its run of equal values, [N]."""
    ends = np.append(np.flatnonzero(np.diff(values)) + 1, len(values))
    return np.repeat(ends, np.diff(ends, prepend=0))


def _pairs(start: Indices, count: Indices) -> tuple[Indices, Indices]:
    """Pair every position i with each position from start[i] to start[i] + count[i] - 1."""
    one = np.repeat(np.arange(len(count)), count)
    within = np.arange(len(one)) - np.repeat(count.cumsum() - count, count)
    return one, np.repeat(start, count) + within


def _join(component: NDArray[np.int32], first: Indices, second: Indices) -> NDArray[np.int32]:
    links = (component[first], component[second])
    graph = coo_array((np.ones(len(first), np.int8), links), (len(component),) * 2)
    joined: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return joined[component]
