"""Group near-duplicate listings, so that no part of the split has seen a row of another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations, pairwise, product
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# A shorter text ("Продам срочно, торг") can be equal by chance and says nothing by itself.
MIN_WORDS = 8
# A photo that more listings carry is a logo, a placeholder or a plain wall.
MAX_SHARED_PHOTO = 20
# Photos alike but not the same file must share this much of their words as well.
PHOTO_TEXT_SIMILARITY = 0.25
# Postings of one seller are alike at a lower similarity than those of strangers.
SELLER_TEXT_SIMILARITY = 0.5
_PERMUTATIONS = 128
_WORD = re.compile(r"[^\W_]+")


class Groups(NamedTuple):
    """`group`: one name per listing, the smallest id of its group; `links`: counts by rule.

    A link joins two listings; two that several rules join are counted by each of them.
    """

    group: pd.Series
    links: dict[str, int]


class _Texts(NamedTuple):
    """What is compared of every listing: its words, and the 3-grams of its title and text."""

    words: list[frozenset[str]]
    grams: list[frozenset[str]]
    lengths: NDArray[np.int64]


Pairs = list[tuple[int, int]]


def group_near_duplicates(
    table: pd.DataFrame, index: pd.DataFrame, text_similarity: float, photo_bits: int
) -> Groups:
    """Put listings that show the same goods in the same words or pictures into one group.

    Groups are the connected components over four rules:

    - same file: photos equal byte by byte;
    - photo: perceptual hashes at most `photo_bits` of 64 apart, and the texts agree too: the
      same seller, a quarter of their words in common, or one of them says nothing;
    - text: word 3-grams of title and text with a Jaccard similarity of at least
      `text_similarity`, for one seller SELLER_TEXT_SIMILARITY (candidates by MinHash, then
      counted exactly); texts of fewer than MIN_WORDS words are no evidence;
    - seller: the same seller and the same title.

    Against chains of unrelated listings, photos carried by more than MAX_SHARED_PHOTO listings
    and photos without a hash (plain ones) count for nothing.

    Args:
        table: clean texts: `id`, `title`, `text`, `seller`.
        index: the packed photos of the same listings in the same order: `sha256`, `phash`.

    MinHash: Broder, "On the resemblance and containment of documents" (1997).
    """
    texts = _texts(table)
    found = {
        "same file": _same_file(index),
        "photo": _alike_photos(table, index, texts, photo_bits),
        "text": _alike_texts(table, texts, text_similarity),
        "seller": _same_seller(table),
    }
    pairs = np.array([pair for pairs in found.values() for pair in pairs], np.int64).reshape(-1, 2)
    size = len(table)
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), (size, size))
    labels = pd.Series(connected_components(graph, directed=False)[1], index=table.index)
    group = table["id"].groupby(labels).transform("min").rename("group")
    return Groups(group, {rule: len(pairs) for rule, pairs in found.items()})


def _texts(table: pd.DataFrame) -> _Texts:
    words, grams, lengths = [], [], []
    for title, text in zip(table["title"], table["text"], strict=True):
        # Title and text apart: a word put after the title then changes one 3-gram, not four.
        listed = [_WORD.findall(part.lower().replace("ё", "е")) for part in (title, text)]
        words.append(frozenset(word for part in listed for word in part))
        grams.append(
            frozenset(
                " ".join(gram)
                for part in listed
                for gram in zip(part, part[1:], part[2:], strict=False)
            )
        )
        lengths.append(sum(map(len, listed)))
    return _Texts(words, grams, np.array(lengths, np.int64))


def _same_file(index: pd.DataFrame) -> Pairs:
    files = index.reset_index(drop=True).loc[(index["row"] >= 0).to_numpy()]
    return [
        pair
        for rows in files.groupby("sha256").indices.values()
        if 1 < len(rows) <= MAX_SHARED_PHOTO
        for pair in pairwise(files.index[rows].tolist())
    ]


def _alike_photos(
    table: pd.DataFrame, index: pd.DataFrame, texts: _Texts, photo_bits: int
) -> Pairs:
    hashes = index["phash"].reset_index(drop=True).dropna()
    rows = hashes.index.to_numpy()
    codes = np.array([int(code, 16) for code in hashes], np.uint64)
    sellers = table["seller"].to_numpy(dtype=object)
    pairs = []
    for first, second in _near(codes, photo_bits):
        a, b = int(rows[first]), int(rows[second])
        same_seller = isinstance(sellers[a], str) and sellers[a] == sellers[b]
        mute = min(texts.lengths[a], texts.lengths[b]) < MIN_WORDS
        if same_seller or mute or _jaccard(texts.words[a], texts.words[b]) >= PHOTO_TEXT_SIMILARITY:
            pairs.append((a, b))
    return pairs


def _near(codes: NDArray[np.uint64], bits: int) -> Iterator[tuple[int, int]]:
    """Pairs of positions whose codes are at most `bits` apart, both in small neighbourhoods.

    All codes against all: 30,000 take about two seconds.
    """
    unique, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    holders = np.split(order, np.cumsum(counts)[:-1])
    near: dict[int, NDArray[np.intp]] = {}
    for code in range(len(unique)):
        others = np.flatnonzero(np.bitwise_count(unique ^ unique[code]) <= bits)
        if 1 < counts[others].sum() <= MAX_SHARED_PHOTO:
            near[code] = others
    for code, others in near.items():
        for other in others[others >= code]:
            if other == code:
                yield from combinations(holders[code].tolist(), 2)
            elif int(other) in near:
                yield from product(holders[code].tolist(), holders[other].tolist())


def _alike_texts(table: pd.DataFrame, texts: _Texts, similarity: float) -> Pairs:
    # Imported late: only this needs it.
    from datasketch import MinHash, MinHashLSH

    sellers = table["seller"].to_numpy(dtype=object)
    least = min(similarity, SELLER_TEXT_SIMILARITY)
    pairs: Pairs = []
    seen: dict[frozenset[str], int] = {}
    for row, grams in enumerate(texts.grams):
        if texts.lengths[row] < MIN_WORDS:
            continue
        # Equal texts need no hashing, and a template posted a thousand times is looked at once.
        if grams in seen:
            pairs.append((seen[grams], row))
        else:
            seen[grams] = row
    unique = list(seen.values())
    # Weights: a missed pair leaks, a wrong candidate costs one exact count.
    lsh = MinHashLSH(least, _PERMUTATIONS, weights=(0.1, 0.9))
    hashes = MinHash.bulk(
        [[gram.encode() for gram in texts.grams[row]] for row in unique], num_perm=_PERMUTATIONS
    )
    joined = DisjointSet(unique)
    for row, hashed in zip(unique, hashes, strict=True):
        for other in lsh.query(hashed):
            # Without this a template posted 5,000 times costs 12 million comparisons.
            if joined.connected(row, other):
                continue
            alike = _jaccard(texts.grams[row], texts.grams[other])
            same_seller = isinstance(sellers[row], str) and sellers[row] == sellers[other]
            if alike >= (least if same_seller else similarity):
                pairs.append((other, row))
                joined.merge(other, row)
        lsh.insert(row, hashed, check_duplication=False)
    return pairs


def _same_seller(table: pd.DataFrame) -> Pairs:
    sellers = table["seller"].reset_index(drop=True).dropna()
    titles = table["title"].str.casefold().to_numpy(dtype=object)
    pairs: Pairs = []
    for rows in sellers.groupby(sellers).indices.values():
        own = sellers.index[rows].tolist()
        by_title: dict[str, int] = {}
        for row in own:
            if titles[row]:
                first = by_title.setdefault(titles[row], row)
                if first != row:
                    pairs.append((first, row))
    return pairs


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    common = len(a & b)
    return common / (len(a) + len(b) - common) if common else 0.0
