"""Group near-duplicate listings, so that no split contains a copy of a listing in another."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from src.prepare.hamming import near_codes
from src.prepare.jaccard import Indices, joined, sets_of, similarity

# Shorter texts ("Продам срочно, торг") can be equal by chance and are not evidence.
MIN_WORDS = 8
# A photo that more listings share is a logo, a placeholder or a plain wall.
MAX_SHARED_PHOTO = 20
# Listings with similar photos must also share this much of their words.
PHOTO_TEXT_SIMILARITY = 0.25
# For listings of one seller a lower similarity is enough.
SELLER_TEXT_SIMILARITY = 0.5
_WORD = re.compile(r"[^\W_]+")

# Pairs of positions of listings, [P, 2].
Pairs = NDArray[np.int64]


class DuplicateGroups(NamedTuple):
    """`group`: of each listing, the smallest id of its group, [N]; `links`: counts by rule.

    A link joins two listings; counted is the smallest number that makes the groups of that rule.
    """

    group: pd.Series
    links: dict[str, int]


class _Texts(NamedTuple):
    """Words, and word 3-grams of title and text, as numbers [M], each with its listing [M].

    `length`: the words of each listing, [N].
    """

    word_of: Indices
    words: Indices
    gram_of: Indices
    grams: Indices
    length: Indices


def group_near_duplicates(
    table: pd.DataFrame, index: pd.DataFrame, text_similarity: float, photo_bits: int
) -> DuplicateGroups:
    """Group listings that offer the same thing in the same words or photos.

    Groups are the connected components over four rules:

    - same file: photos equal byte by byte;
    - photo: perceptual hashes at most `photo_bits` of 64 apart, and texts that agree: the same
      seller, a quarter of their words in common, or a text shorter than MIN_WORDS;
    - text: word 3-grams of title and text with a Jaccard similarity of at least
      `text_similarity`, for one seller SELLER_TEXT_SIMILARITY; not for texts shorter than
      MIN_WORDS;
    - seller: the same seller and the same title.

    To avoid chains of unrelated listings, photos shared by more than MAX_SHARED_PHOTO listings and
    photos without a hash (plain ones) are ignored. The order of the rows does not matter.

    Args:
        table: clean texts: `id`, `title`, `text`, `seller`.
        index: the packed photos of the same listings in the same order: `sha256`, `phash`.
        text_similarity: above 0 and at most 1.
        photo_bits: 0 to 64.
    """
    size = len(table)
    texts = _read(table)
    seller = pd.factorize(table["seller"])[0]
    found = {
        "same file": _same_file(index),
        "photo": _alike_photos(index, texts, seller, photo_bits),
        "text": _alike_texts(texts, seller, text_similarity),
        "seller": _same_seller(table),
    }
    links = {rule: size - _components(pairs, size)[0] for rule, pairs in found.items()}
    component = _components(np.concatenate(list(found.values())), size)[1]
    group = table["id"].groupby(component).transform("min").rename("group")
    return DuplicateGroups(group, links)


def _read(table: pd.DataFrame) -> _Texts:
    number: defaultdict[str, int] = defaultdict()
    number.default_factory = number.__len__
    read, lengths = array("q"), array("q")
    for title, text in zip(table["title"], table["text"], strict=True):
        # Title and text apart: a word added to the title then changes one 3-gram, not four.
        for field in (title, text):
            before = len(read)
            read.extend(map(number.__getitem__, _WORD.findall(field.lower().replace("ё", "е"))))
            lengths.append(len(read) - before)
    words, length = np.array(read, np.int64), np.array(lengths, np.int64)
    field_of = np.repeat(np.arange(len(length)), length)
    whole = field_of[2:] == field_of[:-2]
    # With over two million different words the product overflows and acts as a 64-bit hash.
    grams = (words[:-2] * len(number) + words[1:-1]) * len(number) + words[2:]
    return _Texts(
        word_of=field_of // 2,
        words=words,
        gram_of=field_of[2:][whole] // 2,
        grams=grams[whole],
        length=length.reshape(-1, 2).sum(axis=1),
    )


def _same_file(index: pd.DataFrame) -> Pairs:
    files = index["sha256"].reset_index(drop=True).mask((index["row"] < 0).to_numpy())
    return _to_first(files.mask(files.groupby(files).transform("size") > MAX_SHARED_PHOTO))


def _alike_photos(index: pd.DataFrame, texts: _Texts, seller: Indices, bits: int) -> Pairs:
    hashes = index["phash"].reset_index(drop=True).dropna()
    codes = np.array([int(code, 16) for code in hashes], np.uint64)
    first, second = hashes.index.to_numpy()[_near_photos(codes, bits)].T
    same_seller = (seller[first] >= 0) & (seller[first] == seller[second])
    short = np.minimum(texts.length[first], texts.length[second]) < MIN_WORDS
    paired = np.isin(texts.word_of, np.union1d(first, second))
    words = sets_of(texts.word_of[paired], texts.words[paired], len(index))
    common = similarity(words, first, second) >= PHOTO_TEXT_SIMILARITY
    return np.stack([first, second], axis=1)[same_seller | short | common]


def _near_photos(codes: NDArray[np.uint64], bits: int) -> Pairs:
    """Return pairs of positions with codes at most `bits` apart, both in small neighbourhoods."""
    unique, code_of, counts = np.unique(codes, return_inverse=True, return_counts=True)
    around = counts.copy()
    itself = np.arange(len(unique))
    near = [np.stack([itself, itself])]
    for pair in near_codes(unique, bits):
        np.add.at(around, pair, counts[pair[::-1]])
        # Large neighbourhoods are dropped early: they can have millions of pairs.
        near.append(pair[:, (around[pair] <= MAX_SHARED_PHOTO).all(axis=0)])
    pairs = np.concatenate(near, axis=1)
    one, other = pairs[:, (around[pairs] <= MAX_SHARED_PHOTO).all(axis=0)]
    holders = pd.DataFrame({"code": code_of, "place": np.arange(len(codes))})
    held = pd.DataFrame({"one": one, "other": other})
    held = held.merge(holders, left_on="one", right_on="code")
    held = held.merge(holders, left_on="other", right_on="code")
    # A code paired with itself gives every pair of its holders twice, and each with itself.
    held = held[(held["one"] != held["other"]) | (held["place_x"] < held["place_y"])]
    return held[["place_x", "place_y"]].to_numpy()


def _alike_texts(texts: _Texts, seller: Indices, least: float) -> Pairs:
    size = len(seller)
    long = texts.length[texts.gram_of] >= MIN_WORDS
    grams = sets_of(texts.gram_of[long], texts.grams[long], size)
    # 3-grams numbered by seller, so that different sellers have none in common.
    row = np.repeat(np.arange(size), np.diff(grams.indptr))
    sold = seller[row] >= 0
    own = seller[row[sold]] * grams.shape[1] + grams.indices[sold]
    components = [
        joined(grams, least),
        joined(sets_of(row[sold], own, size), min(least, SELLER_TEXT_SIMILARITY)),
    ]
    return np.concatenate([_to_first(pd.Series(component)) for component in components])


def _same_seller(table: pd.DataFrame) -> Pairs:
    title = table["title"].str.casefold()
    offer = table.groupby([table["seller"], title], sort=False).ngroup()
    return _to_first(offer.where((table["seller"].notna() & (title != "")).to_numpy()))


def _to_first(keys: pd.Series) -> Pairs:
    """Pair each position with the first one of the same key; missing keys equal nothing."""
    keys = keys.reset_index(drop=True).dropna()
    place = keys.index.to_numpy()
    first = keys.index.to_series().groupby(keys).transform("first").to_numpy()
    return np.stack([first, place], axis=1)[first != place]


def _components(pairs: Pairs, size: int) -> tuple[int, NDArray[np.int32]]:
    links = (pairs[:, 0], pairs[:, 1])
    graph = coo_array((np.ones(len(pairs), np.int8), links), (size, size))
    count, component = connected_components(graph, directed=False)
    return count, component
