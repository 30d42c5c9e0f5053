"""How much of the test listings is in train or val as well: measured, whatever the groups say."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from src.prepare.hamming import near_codes
from src.prepare.jaccard import Indices
from src.prepare.texts import read_texts, sets_of_grams

# Texts of so many test listings, drawn at random, are compared with all others.
TEXTS_COMPARED = 2000
QUANTILES = {"median": 0.5, "p90": 0.9, "p99": 0.99}
# Texts compared at a time.
_BLOCK = 100


class SplitParts(NamedTuple):
    """A split to measure: the part of each listing, from 0, and which are tested, [N] each."""

    part: Indices
    tested: NDArray[np.bool_]


def measure_overlap(
    table: pd.DataFrame,
    index: pd.DataFrame,
    splits: dict[str, SplitParts],
    text_similarity: float,
    photo_bits: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Count, for each split, the tested listings that share something with another part.

    Args:
        table: clean texts: `id`, `title`, `text`, `seller`.
        index: the packed photos of the same listings in the same order: `row`, `sha256`, `phash`.
        text_similarity, photo_bits: from which on texts and photos are similar.

    Returns:
        For each split:
        `photos`, `same_file`, `similar_photo`: tested listings with a photo; of them, those whose
        photo file, or a photo with a perceptual hash at most `photo_bits` apart, is elsewhere.
        `sellers`, `same_seller`: those with a known seller; of them, whose seller is elsewhere.
        `texts`, `similar_text`, `nearest_text`: texts of MIN_WORDS that were compared (at most
        TEXTS_COMPARED); of them, those with a similar one elsewhere; quantiles of the similarity to
        the nearest one there, which is the Jaccard similarity of word 3-grams.
    """
    file = pd.factorize(index["sha256"].mask((index["row"] < 0).to_numpy()))[0]
    seller = pd.factorize(table["seller"])[0]
    similar = _similar_photos(index["phash"], splits, photo_bits)
    texts = read_texts(table)
    grams = sets_of_grams(texts)
    found = {}
    for name, split in splits.items():
        part, tested = split
        same_file = _elsewhere(file, part)
        nearest = _nearest_texts(grams, split, seed)
        found[name] = {
            "photos": int((tested & (file >= 0)).sum()),
            "same_file": int((tested & same_file).sum()),
            "similar_photo": int((tested & (similar[name] | same_file)).sum()),
            "sellers": int((tested & (seller >= 0)).sum()),
            "same_seller": int((tested & _elsewhere(seller, part)).sum()),
            "texts": len(nearest),
            "similar_text": int((nearest >= text_similarity).sum()),
            "nearest_text": {
                quantile: round(float(np.quantile(nearest, share)), 4) if len(nearest) else 0.0
                for quantile, share in QUANTILES.items()
            },
        }
    return found


def _elsewhere(key: Indices, part: Indices) -> NDArray[np.bool_]:
    """Whether another part has a listing of the same key, [N]; keys below 0 equal nothing."""
    parts = pd.Series(part).groupby(key).transform("nunique").to_numpy()
    found: NDArray[np.bool_] = (key >= 0) & (parts > 1)
    return found


def _similar_photos(
    phash: pd.Series, splits: dict[str, SplitParts], bits: int
) -> dict[str, NDArray[np.bool_]]:
    """Whether a photo with a hash at most `bits` apart is in another part, [N] for each split."""
    hashed = phash.notna().to_numpy()
    hashes = np.array([int(code, 16) for code in phash[hashed]], np.uint64)
    codes, code_of = np.unique(hashes, return_inverse=True)
    low = np.full((len(splits), len(codes)), np.iinfo(np.int64).max)
    high = np.full((len(splits), len(codes)), -1)
    for number, split in enumerate(splits.values()):
        np.minimum.at(low[number], code_of, split.part[hashed])
        np.maximum.at(high[number], code_of, split.part[hashed])
    # The lowest and the highest part around each code; if they differ, one of them is another.
    lowest, highest = low.copy(), high.copy()
    for pair in near_codes(codes, bits):
        for number in range(len(splits)):
            for one, other in (pair, pair[::-1]):
                # A wall may have millions of pairs; most of them tell nothing new.
                new = lowest[number, one] == highest[number, one]
                one, other = one[new], other[new]
                np.minimum.at(lowest[number], one, low[number, other])
                np.maximum.at(highest[number], one, high[number, other])
    found = {name: np.zeros(len(phash), bool) for name in splits}
    for number, name in enumerate(splits):
        found[name][hashed] = (lowest[number] != highest[number])[code_of]
    return found


def _nearest_texts(grams: csr_array, split: SplitParts, seed: int) -> NDArray[np.float64]:
    """Similarity to the nearest text of another part, for up to TEXTS_COMPARED tested texts."""
    part, tested = split
    size = np.diff(grams.indptr).astype(np.int64)
    rows = np.flatnonzero(tested & (size > 0))
    if len(rows) > TEXTS_COMPARED:
        rows = np.sort(np.random.default_rng([seed, 4]).choice(rows, TEXTS_COMPARED, replace=False))
    counted = grams.astype(np.int32)
    others = csr_array(counted.T)
    nearest = np.zeros(len(rows))
    for start in range(0, len(rows), _BLOCK):
        own = rows[start : start + _BLOCK]
        common = (counted[own] @ others).tocoo()
        one, other = own[common.row], common.col
        alike = common.data / (size[one] + size[other] - common.data)
        np.maximum.at(nearest, start + common.row, alike * (part[one] != part[other]))
    return nearest
