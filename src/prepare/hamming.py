"""Find pairs among many 64-bit codes that differ in only a few bits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_BITS = 64


class PieceChoice(NamedTuple):
    """A choice of pieces of a code: the mask of their bits, and masks of other pieces, [K].

    Two codes that agree in one of the others, too, are found by an earlier choice.
    """

    mask: np.uint64
    differ: NDArray[np.uint64]


def near_codes(codes: NDArray[np.uint64], bits: int) -> Iterator[NDArray[np.int64]]:
    """Yield every pair of codes at most `bits` apart once, as positions in `codes`, [2, P] a time.

    If codes are cut into `bits + k` pieces, such a pair has k pieces in common. So codes are sorted
    by every choice of k pieces, and only those equal in these are compared.

    Args:
        codes: [N].
        bits: 0 to 64.

    After Norouzi, Punjani and Fleet, "Fast exact search in Hamming space with multi-index
    hashing" (2012), with the choices of k pieces of Manku, Jain and Das Sarma, "Detecting
    near-duplicates for web crawling" (2007).
    """
    for choice in choices(len(codes), bits):
        yield from near_by_choice(codes, bits, choice)


def choices(count: int, bits: int) -> list[PieceChoice]:
    """Return the choices of pieces by which `count` codes are compared with least work."""
    alike = _pieces_alike(count, bits)
    pieces = _pieces(bits + alike)
    found = []
    for chosen in combinations(range(len(pieces)), alike):
        mask = np.bitwise_or.reduce(pieces[list(chosen)], initial=np.uint64(0))
        others = [piece for piece in range(max(chosen, default=0)) if piece not in chosen]
        found.append(PieceChoice(mask, pieces[others]))
    return found


def near_by_choice(
    codes: NDArray[np.uint64], bits: int, choice: PieceChoice
) -> Iterator[NDArray[np.int64]]:
    """Yield the pairs of `near_codes` that this choice of pieces finds."""
    keys = codes & choice.mask
    order = np.argsort(keys, kind="stable")
    keys, ordered = keys[order], codes[order]
    at, step = np.arange(len(codes)), 0
    while True:
        step += 1
        at = at[at + step < len(codes)]
        at = at[keys[at] == keys[at + step]]
        if not len(at):
            break
        apart = ordered[at] ^ ordered[at + step]
        near = np.bitwise_count(apart) <= bits
        near[near] = ((apart[near, None] & choice.differ) > 0).all(axis=1)
        yield order[np.stack([at[near], at[near] + step])]


def _pieces(count: int) -> NDArray[np.uint64]:
    """Return masks of `count` pieces of about equal size, [count]."""
    edges = [_BITS * piece // count for piece in range(count + 1)] if count else [0]
    masks = [(1 << end) - (1 << start) for start, end in pairwise(edges)]
    return np.array(masks, np.uint64)


def _pieces_alike(codes: int, bits: int) -> int:
    """Return how many equal pieces to require for least work; 0: compare all with all."""

    def cost(alike: int) -> float:
        compared = codes**2 / 2 / 2 ** (_BITS * alike / max(bits + alike, 1))
        # Sorting a code takes about twenty times as long as comparing two.
        return comb(bits + alike, alike) * (20 * codes + compared)

    return min(range(max(1, min(5, _BITS - bits + 1))), key=cost)
