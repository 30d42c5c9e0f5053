"""Group near-duplicate listings, so that no split contains a copy of a listing in another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.prepare.hamming import near_codes
from src.prepare.jaccard import Indices, joined, sets_of, similarity
from src.prepare.links import Pairs, components, to_first
from src.prepare.texts import MIN_WORDS, Texts, alike_texts, read_texts

# A photo that more listings share may be a logo, a placeholder or a plain wall.
MAX_SHARED_PHOTO = 20
# Listings with similar photos must also share this much of their words.
PHOTO_TEXT_SIMILARITY = 0.25
# For listings of one seller a lower similarity is enough.
SELLER_TEXT_SIMILARITY = 0.5


class DuplicateGroups(NamedTuple):
    """`group`: of each listing, the smallest id of its group, [N]; `links`: counts by rule.

    A link joins two listings; counted is the smallest number that makes the groups of that rule.
    """

    group: pd.Series
    links: dict[str, int]


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
      MIN_WORDS, nor by passages that many listings repeat (see `alike_texts`);
    - seller: the same seller and the same title.

    A photo that more than MAX_SHARED_PHOTO listings share links only those of one seller and
    category; where no seller is known, of one category with a quarter of their words in common.
    So a logo does not chain unrelated listings. Photos without a hash (plain ones) are ignored.
    The order of the rows does not matter.

    Args:
        table: clean texts: `id`, `title`, `text`, `category`, `seller`.
        index: the packed photos of the same listings in the same order: `row`, `sha256`, `phash`.
        text_similarity: above 0 and at most 1.
        photo_bits: 0 to 64.
    """
    size, rows = len(table), table.index
    table, index = table.reset_index(drop=True), index.reset_index(drop=True)
    texts = read_texts(table)
    seller = pd.factorize(table["seller"])[0]
    files = index["sha256"].mask(index["row"] < 0)
    found = {
        "same file": same_file(files, table),
        "photo": _alike_photos(index["phash"], texts, table, seller, photo_bits),
        "text": alike_texts(texts, seller, text_similarity, SELLER_TEXT_SIMILARITY),
        "seller": same_seller(table),
    }
    links = {rule: size - components(pairs, size)[0] for rule, pairs in found.items()}
    component = components(np.concatenate(list(found.values())), size)[1]
    group = table["id"].groupby(component).transform("min").rename("group")
    return DuplicateGroups(group.set_axis(rows), links)


def same_file(files: pd.Series, table: pd.DataFrame) -> Pairs:
    """Link listings with the same file; one that many share, those of one seller and category.

    Args:
        files: the hash of each listing's photo file, missing where there is none.
        table: `seller`, `category`.
    """
    crowd = files.where(files.groupby(files).transform("size") > MAX_SHARED_PHOTO)
    own = table.groupby([crowd, "seller", "category"], sort=False).ngroup()
    return np.concatenate([to_first(files[crowd.isna()]), to_first(own[own >= 0])])


def _alike_photos(
    phash: pd.Series, texts: Texts, table: pd.DataFrame, seller: Indices, bits: int
) -> Pairs:
    hashes = phash.dropna()
    codes = codes_of(hashes)
    near, crowded = _near_photos(codes, bits)
    agree = agreeing_pairs(hashes.index.to_numpy()[near], texts, seller)
    held = table.loc[hashes.index, ["seller", "category"]].assign(code=codes, crowded=crowded)
    return np.concatenate([agree, own_photos(held, bits), nameless_photos(held, texts)])


def agreeing_pairs(pairs: Pairs, texts: Texts, seller: Indices) -> Pairs:
    """Return those of the pairs of alike photos whose texts agree, or of one known seller."""
    first, second = pairs.T
    own = (seller[first] >= 0) & (seller[first] == seller[second])
    short = np.minimum(texts.length[first], texts.length[second]) < MIN_WORDS
    paired = np.isin(texts.word_of, np.union1d(first, second))
    words = sets_of(texts.word_of[paired], texts.words[paired], len(texts.length))
    common = similarity(words, first, second) >= PHOTO_TEXT_SIMILARITY
    return pairs[own | short | common]


def codes_of(hashes: pd.Series) -> NDArray[np.uint64]:
    """Return perceptual hashes, 16 hex digits each, as numbers, [N]."""
    return np.array([int(code, 16) for code in hashes], np.uint64)


def _near_photos(codes: NDArray[np.uint64], bits: int) -> tuple[Pairs, NDArray[np.bool_]]:
    """Find pairs of positions with codes at most `bits` apart, both in small neighbourhoods.

    Returns:
        The pairs, and which positions are in large neighbourhoods, [N].
    """
    unique, code_of, counts = np.unique(codes, return_inverse=True, return_counts=True)
    near, around = few_around(near_codes(unique, bits), counts)
    itself = np.flatnonzero(around <= MAX_SHARED_PHOTO)
    one, other = np.concatenate([near, np.stack([itself, itself])], axis=1)
    holders = pd.DataFrame({"code": code_of, "place": np.arange(len(codes))})
    held = pd.DataFrame({"one": one, "other": other})
    held = held.merge(holders, left_on="one", right_on="code")
    held = held.merge(holders, left_on="other", right_on="code")
    # A code paired with itself gives every pair of its holders twice, and each with itself.
    held = held[(held["one"] != held["other"]) | (held["place_x"] < held["place_y"])]
    return held[["place_x", "place_y"]].to_numpy(), (around > MAX_SHARED_PHOTO)[code_of]


def few_around(
    pairs: Iterable[NDArray[np.int64]], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return those of the pairs of codes, [2, P], that are both in small neighbourhoods.

    Args:
        counts: how many listings have each code, [N].

    Returns:
        Also how many listings are around each code, itself included, [N].
    """
    around = counts.copy()
    near = [np.empty((2, 0), np.int64)]
    for pair in pairs:
        np.add.at(around, pair, counts[pair[::-1]])
        # Large neighbourhoods are dropped early: they can have millions of pairs.
        near.append(pair[:, (around[pair] <= MAX_SHARED_PHOTO).all(axis=0)])
    few = np.concatenate(near, axis=1)
    return few[:, (around[few] <= MAX_SHARED_PHOTO).all(axis=0)], around


def own_photos(held: pd.DataFrame, bits: int) -> Pairs:
    """Link photos at most `bits` apart of one seller and category, however many share them.

    Args:
        held: `seller`, `category`, `code` of listings with a hash, and whether its neighbourhood
            is large, `crowded`; the index is their positions.
    """
    owner = held.groupby(["seller", "category"], sort=False).ngroup()
    crowded = held["crowded"].groupby(owner).transform("any")
    held = held.assign(owner=owner)[crowded & (owner >= 0)]
    pairs = [to_first(held.groupby(["owner", "code"], sort=False).ngroup())]
    for _, own in held.drop_duplicates(["owner", "code"]).groupby("owner"):
        places = own.index.to_numpy()
        pairs += [places[near.T] for near in near_codes(own["code"].to_numpy(), bits)]
    return np.concatenate(pairs)


def nameless_photos(held: pd.DataFrame, texts: Texts) -> Pairs:
    """Link photos of equal code and category and no known seller, if the texts agree.

    Args:
        held: as for `own_photos`.
    """
    nameless = held[held["crowded"] & held["seller"].isna()]
    photo = np.full(len(texts.length), -1)
    photo[nameless.index] = nameless.groupby(["category", "code"], sort=False).ngroup()
    word = np.flatnonzero(photo[texts.word_of] >= 0)
    row = texts.word_of[word]
    # Words numbered by photo, so that different photos have none in common.
    keys = photo[row] * (texts.words.max(initial=0) + 1) + texts.words[word]
    return to_first(pd.Series(joined(sets_of(row, keys, len(photo)), PHOTO_TEXT_SIMILARITY)))


def same_seller(table: pd.DataFrame) -> Pairs:
    """Link listings of one known seller with the same title."""
    title = table["title"].str.casefold()
    offer = table.groupby([table["seller"], title], sort=False).ngroup()
    return to_first(offer[(table["seller"].notna() & (title != "")).to_numpy()])
