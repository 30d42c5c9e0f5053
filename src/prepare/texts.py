"""Join listings with similar texts; what many of them repeat is no evidence."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.util import hash_array
from scipy.sparse import csr_array

from src.prepare.jaccard import Indices, joined, sets_of
from src.prepare.links import Pairs, to_first

# Shorter texts ("Продам срочно, торг") can be equal by chance and are not evidence.
MIN_WORDS = 8
# A word 3-gram that more listings with similar texts have is a common passage.
MAX_SHARED_GRAM = 5
# So many words in a row that are in no common passage are a listing's own; fewer are changed words.
OWN_WORDS = 5
# Listings with a common passage must have this share of their titles and own words in common.
OWN_SIMILARITY = 0.5
_WORD = re.compile(r"[^\W_]+")
# Odd, so that no bit of a hash is lost.
_HASH_BASE = 0x5851F42D4C957F2D


class Texts(NamedTuple):
    """Words, and word 3-grams of title and text, as numbers [M], each with its listing [M].

    Attributes:
        field_of: the field of each word: twice its listing for the title, and one more for the
            text.
        start: the position in `words` of each 3-gram's first word.
        length: the words of each listing, [N].
    """

    word_of: Indices
    field_of: Indices
    words: Indices
    gram_of: Indices
    grams: Indices
    start: Indices
    length: Indices


def read_texts(table: pd.DataFrame, hashed: bool = False) -> Texts:
    """Read `title` and `text` of listings.

    Args:
        hashed: number words and 3-grams by 64-bit hashes, equal in every part of a table.
    """
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
    start = np.flatnonzero(field_of[2:] == field_of[:-2])
    # With over two million different words the product overflows and acts as a 64-bit hash.
    base = len(number)
    if hashed:
        words, base = _hashes(list(number))[words], _HASH_BASE
    grams = (words[start] * base + words[start + 1]) * base + words[start + 2]
    return Texts(
        word_of=field_of // 2,
        field_of=field_of,
        words=words,
        gram_of=field_of[start] // 2,
        grams=grams,
        start=start,
        length=length.reshape(-1, 2).sum(axis=1),
    )


def alike_texts(texts: Texts, seller: Indices, least: float, least_of_seller: float) -> Pairs:
    """Link listings whose word 3-grams have a Jaccard similarity of `least` or more.

    Texts shorter than MIN_WORDS are left out. Where more than MAX_SHARED_GRAM listings are linked,
    directly or by others between them, this may be due to common passages, such as the terms of a
    shop. Then only those are linked that also agree in what is left (see `agreeing`).

    Args:
        seller: of each listing, [N], -1 for unknown; for two of one seller `least_of_seller` is
            enough.
    """
    grams = sets_of_grams(texts)
    alike = agreeing(texts, joined(grams, least))
    own = alike_of_seller(texts, grams, seller, min(least, least_of_seller))
    return np.concatenate([alike, own])


def alike_of_seller(texts: Texts, grams: csr_array, seller: Indices, least: float) -> Pairs:
    """Link similar texts as `alike_texts` does, but only those of one known seller."""
    # 3-grams numbered by seller, so that different sellers have none in common.
    row = np.repeat(np.arange(len(seller)), np.diff(grams.indptr))
    sold = seller[row] >= 0
    own = seller[row[sold]] * grams.shape[1] + grams.indices[sold]
    return agreeing(texts, joined(sets_of(row[sold], own, len(seller)), least))


def sets_of_grams(texts: Texts) -> csr_array:
    """Return the 3-grams of each listing as a 0/1 matrix, [N, G]; short texts have none."""
    return sets_of(*long_grams(texts), len(texts.length))


def long_grams(texts: Texts) -> tuple[Indices, Indices]:
    """Return the 3-grams of texts of at least MIN_WORDS: of each its listing and its number."""
    long = texts.length[texts.gram_of] >= MIN_WORDS
    return texts.gram_of[long], texts.grams[long]


def agreeing(texts: Texts, component: NDArray[np.int32]) -> Pairs:
    """Link the listings of each component; in a large one, those that agree in their own words.

    These are the words of the title, and passages of the text that are not common to the
    component. Copies of one text have hardly any: a changed word here and there is no passage.
    Listings with no own words at all agree.
    """
    large = np.bincount(component)[component] > MAX_SHARED_GRAM
    word = np.flatnonzero(large[texts.word_of])
    word = word[~_in_common_passage(texts, component, large)[word]]
    # A passage ends where a word is left out or the field ends.
    field = texts.field_of[word]
    passage = np.cumsum((np.diff(word, prepend=-1) > 1) | (np.diff(field, prepend=-1) > 0))
    counted = (field % 2 == 0) | (np.bincount(passage)[passage] >= OWN_WORDS)
    word = word[counted]
    row = texts.word_of[word]
    # Words numbered by component, so that different components have none in common.
    keys = component[row] * (texts.words.max(initial=0) + 1) + texts.words[word]
    agreeing = pd.Series(joined(sets_of(row, keys, len(component)), OWN_SIMILARITY))
    bare = large.copy()
    bare[row] = False
    whole = pd.Series(component)
    return np.concatenate(
        [to_first(whole[~large]), to_first(whole[bare]), to_first(agreeing[large & ~bare])]
    )


def _hashes(words: list[str]) -> Indices:
    hashes = hash_array(np.array(words, dtype=object), categorize=False)
    return hashes.view(np.int64)


def _in_common_passage(
    texts: Texts, component: NDArray[np.int32], large: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether each word of a text is in a 3-gram that many of its component have, [M]."""
    inside = np.flatnonzero(large[texts.gram_of])
    row = texts.gram_of[inside]
    _, gram = np.unique(texts.grams[inside], return_inverse=True)
    keys = component[row] * (gram.max(initial=0) + 1) + gram
    _, key = np.unique(keys, return_inverse=True)
    held_by = np.bincount(np.unique(key * len(component) + row) // len(component))
    start = texts.start[inside][held_by[key] > MAX_SHARED_GRAM]
    common = np.zeros(len(texts.words), bool)
    for place in range(3):
        common[start + place] = True
    return common & (texts.field_of % 2 == 1)
