"""Near-duplicates the plain way: MinHash LSH text by text, all photo hashes against all."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd
from datasketch import MinHash, MinHashLSH
from scipy.cluster.hierarchy import DisjointSet
from sklearn.model_selection import StratifiedGroupKFold

from src.prepare.duplicates import (
    MAX_SHARED_PHOTO,
    PHOTO_TEXT_SIMILARITY,
    SELLER_TEXT_SIMILARITY,
)
from src.prepare.texts import MIN_WORDS

_PERMUTATIONS = 128
_WORD = re.compile(r"[^\W_]+")


def plain_groups(
    table: pd.DataFrame, index: pd.DataFrame, text_similarity: float, photo_bits: int
) -> pd.Series:
    """Apply simpler rules than `group_near_duplicates` pair by pair; return the groups, [N].

    A photo that more than MAX_SHARED_PHOTO listings share links none, and passages that many
    listings repeat count like others.
    """
    words, grams, long = [], [], []
    for both in zip(table["title"], table["text"], strict=True):
        listed = [_WORD.findall(field.lower().replace("ё", "е")) for field in both]
        words.append({word for found in listed for word in found})
        grams.append(
            {" ".join(found[i : i + 3]) for found in listed for i in range(len(found) - 2)}
        )
        long.append(sum(map(len, listed)) >= MIN_WORDS)
    sellers = _or_none(table["seller"])
    same_seller = [
        (seller, title.casefold()) if seller and title else None
        for seller, title in zip(sellers, table["title"], strict=True)
    ]
    joined = DisjointSet(range(len(table)))
    _join_equal(joined, same_seller, len(table))
    _join_equal(joined, _or_none(index["sha256"]), MAX_SHARED_PHOTO)
    for a, b in _near_photos(_or_none(index["phash"]), photo_bits):
        own = sellers[a] is not None and sellers[a] == sellers[b]
        mute = not (long[a] and long[b])
        if own or mute or _jaccard(words[a], words[b]) >= PHOTO_TEXT_SIMILARITY:
            joined.merge(a, b)
    _join_texts(
        joined, [row for row, enough in enumerate(long) if enough], grams, sellers, text_similarity
    )
    return pd.Series([str(joined[row]) for row in range(len(table))], index=table.index)


def plain_split(category: pd.Series, group: pd.Series, seed: int) -> pd.Series:
    """Split into five stratified folds of whole groups; return the fold numbers, [N]."""
    fold = np.empty(len(group), np.int64)
    classes, groups = category.to_numpy(dtype=object), group.to_numpy(dtype=object)
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    for number, (_, test) in enumerate(splitter.split(classes, classes, groups)):
        fold[test] = number
    return pd.Series(fold, index=group.index)


def _join_equal(joined: DisjointSet, keys: Sequence[Hashable], most: int) -> None:
    holders: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys):
        if key is not None:
            holders.setdefault(key, []).append(row)
    for rows in holders.values():
        if len(rows) <= most:
            for row in rows[1:]:
                joined.merge(rows[0], row)


def _near_photos(hashes: Sequence[str | None], bits: int) -> list[tuple[int, int]]:
    holders: dict[int, list[int]] = {}
    for row, code in enumerate(hashes):
        if code is not None:
            holders.setdefault(int(code, 16), []).append(row)
    codes = np.array(list(holders), np.uint64)
    rows = list(holders.values())
    counts = np.array([len(own) for own in rows])
    near = {}
    for place in range(len(codes)):
        others = np.flatnonzero(np.bitwise_count(codes ^ codes[place]) <= bits)
        if 1 < counts[others].sum() <= MAX_SHARED_PHOTO:
            near[place] = others.tolist()
    pairs = [pair for place in near for pair in combinations(rows[place], 2)]
    for place, others in near.items():
        for other in others:
            if other > place and other in near:
                pairs += product(rows[place], rows[other])
    return pairs


def _join_texts(
    joined: DisjointSet,
    rows: Sequence[int],
    grams: Sequence[set[str]],
    sellers: Sequence[str | None],
    similarity: float,
) -> None:
    least = min(similarity, SELLER_TEXT_SIMILARITY)
    lsh = MinHashLSH(least, _PERMUTATIONS, weights=(0.1, 0.9))
    hashes = MinHash.bulk(
        [[g.encode() for g in grams[row]] for row in rows], num_perm=_PERMUTATIONS
    )
    for row, hashed in zip(rows, hashes, strict=True):
        for other in lsh.query(hashed):
            if joined.connected(row, other):
                continue
            own = sellers[row] is not None and sellers[row] == sellers[other]
            if _jaccard(grams[row], grams[other]) >= (least if own else similarity):
                joined.merge(row, other)
        lsh.insert(row, hashed, check_duplication=False)


def _jaccard(a: set[str], b: set[str]) -> float:
    common = len(a & b)
    return common / (len(a) + len(b) - common) if common else 0.0


def _or_none(column: pd.Series) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in column]
