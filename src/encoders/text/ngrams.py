"""n-grams of a table's texts, counted once, and TF-IDF fitted on some of the texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

from src.core.errors import UserError
from src.encoders.text.stems import stems

Positions = NDArray[np.intp] | NDArray[np.bool_]
# Of a term of the vocabulary, in how many texts it occurs at least.
MIN_TEXTS = 2
_BOTH: dict[str, Any] = {"min_df": MIN_TEXTS, "dtype": np.float32}
# The texts are words joined by spaces, so whatever stands between spaces is a token.
_WORDS = _BOTH | {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\S+"}
_CHARACTERS = _BOTH | {"analyzer": "char_wb", "ngram_range": (2, 5), "token_pattern": None}
# For each block of n-grams the column of the texts that it reads, and how.
BLOCKS = {
    "title": ("title", _WORDS),
    "words": ("whole", _WORDS),
    "characters": ("spelled", _CHARACTERS),
}


def text_columns(title: pd.Series, body: pd.Series) -> pd.DataFrame:
    """Return the columns that are vectorized, from words joined by spaces.

    `title` and `whole` are read by words, `spelled`, the whole again, by characters.
    """
    whole = title + " " + body
    return pd.DataFrame({"title": title, "whole": whole, "spelled": whole}).astype(object)


def stemmed(texts: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of `text_columns` with stems of words where words are read."""
    return texts.assign(title=texts["title"].map(stems), whole=texts["whole"].map(stems))


# Fitted TF-IDF by the names of BLOCKS, whose columns stand side by side in this order.
Vectors = dict[str, TfidfVectorizer]


def tfidf_of(vectors: Vectors, texts: pd.DataFrame) -> csr_matrix:
    """Return the TF-IDF, [N, V], of texts as `text_columns` gives them."""
    blocks = [part.transform(texts[BLOCKS[name][0]]) for name, part in vectors.items()]
    return hstack(blocks, format="csr")


class CountedTexts:
    """The n-grams of N texts, counted once for all folds.

    Vocabulary, document frequencies and weights are of the rows that `fit` is given alone.

    Attributes:
        counts: [N, T] of each block of n-grams that has a term that two texts share.
        terms: the T terms of each of these blocks, in order.
        columns: the column of each term.
    """

    def __init__(self, texts: pd.DataFrame) -> None:
        """Count; `texts` are as `text_columns` gives them."""
        self.counts: dict[str, csr_matrix] = {}
        self.terms: dict[str, NDArray[np.object_]] = {}
        self.columns: dict[str, dict[str, int]] = {}
        for name, (column, settings) in BLOCKS.items():
            counter = CountVectorizer(**settings)
            try:
                self.counts[name] = counter.fit_transform(texts[column])
            except ValueError:
                # scikit-learn's word for an empty vocabulary.
                continue
            self.terms[name] = counter.get_feature_names_out()
            self.columns[name] = counter.vocabulary_

    def fit(self, rows: Positions) -> tuple[Vectors, csr_matrix]:
        """Fit TF-IDF to M rows; return it, for any text, and the matrix of these, [M, V].

        Each block of columns has length 1. A block is left out where none of its terms occurs in
        two of the texts: words may be codes, and some languages have no spaces.

        Raises:
            UserError: this leaves no block.
        """
        fitted: Vectors = {}
        matrices = []
        for name, every in self.counts.items():
            counts = every[rows]
            common = np.bincount(counts.indices, minlength=counts.shape[1]) >= MIN_TEXTS
            if not common.any():
                continue
            weights = TfidfTransformer(sublinear_tf=True)
            matrices.append(weights.fit_transform(counts[:, common]))
            terms = self.terms[name][common]
            fitted[name] = TfidfVectorizer(**BLOCKS[name][1], sublinear_tf=True)
            fitted[name].vocabulary_ = {term: column for column, term in enumerate(terms)}
            fitted[name].idf_ = weights.idf_
        if not fitted:
            raise UserError(
                "TF-IDF has nothing to learn: no word, nor any part of one, occurs in two texts of "
                "the train split; expected texts with words in common: check which columns are "
                "read as title and text, or take the row out of rows.text"
            )
        return fitted, hstack(matrices, format="csr")

    def transform(self, vectors: Vectors, rows: Positions) -> csr_matrix:
        """Return what a TF-IDF of `fit` makes of M rows, [M, V], without counting anew."""
        matrices = []
        for name, part in vectors.items():
            columns = [self.columns[name][term] for term in part.vocabulary_]
            weights = TfidfTransformer(sublinear_tf=True)
            weights.idf_ = part.idf_
            matrices.append(weights.transform(self.counts[name][rows][:, columns]))
        return hstack(matrices, format="csr")
