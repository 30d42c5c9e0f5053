"""n-grams of a table's texts, counted once, and TF-IDF fitted on some of the texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

from src.core.errors import UserError

Rows = NDArray[np.intp] | NDArray[np.bool_]
# Of a term of the vocabulary, in how many texts it occurs at least.
MIN_TEXTS = 2


@dataclass(frozen=True)
class _Block:
    """Which n-grams are counted, and in which column of the texts."""

    column: str
    analyzer: str
    lengths: tuple[int, int]

    def counter(self) -> CountVectorizer:
        return CountVectorizer(**self._settings())

    def vectorizer(self) -> TfidfVectorizer:
        return TfidfVectorizer(**self._settings(), sublinear_tf=True)

    def _settings(self) -> dict[str, Any]:
        return {
            "analyzer": self.analyzer,
            "ngram_range": self.lengths,
            # The texts are words joined by spaces, so whatever stands between spaces is a token.
            "token_pattern": r"\S+" if self.analyzer == "word" else None,
            "min_df": MIN_TEXTS,
            "dtype": np.float32,
        }


BLOCKS = {
    "title": _Block("title", "word", (1, 2)),
    "words": _Block("whole", "word", (1, 2)),
    "characters": _Block("whole", "char_wb", (2, 5)),
}


def text_columns(title: pd.Series, body: pd.Series) -> pd.DataFrame:
    """Return the columns that are vectorized, title and whole, from words joined by spaces."""
    return pd.DataFrame({"title": title, "whole": title + " " + body}).astype(object)


# What a ColumnTransformer is fitted to before it gets its fitted parts. Not every term is in every
# text, or it would give dense matrices.
_ANY_TEXTS = text_columns(pd.Series(["a", "a", ""]), pd.Series([""] * 3))


class CountedTexts:
    """The n-grams of N texts, counted once for all folds.

    Vocabulary, document frequencies and weights are of the rows that `fit` is given alone.

    Attributes:
        counts: [N, T] of each block of n-grams that has terms in common to two texts.
        terms: the T terms of each of these blocks, in order.
        columns: the column of each term.
    """

    def __init__(self, texts: pd.DataFrame) -> None:
        """Count; `texts` are as `text_columns` gives them."""
        self.counts: dict[str, csr_matrix] = {}
        self.terms: dict[str, NDArray[np.object_]] = {}
        self.columns: dict[str, dict[str, int]] = {}
        for name, block in BLOCKS.items():
            counter = block.counter()
            try:
                self.counts[name] = counter.fit_transform(texts[block.column])
            except ValueError:
                # scikit-learn's word for an empty vocabulary.
                continue
            self.terms[name] = counter.get_feature_names_out()
            self.columns[name] = counter.vocabulary_

    def fit(self, rows: Rows) -> tuple[ColumnTransformer, csr_matrix]:
        """Fit TF-IDF to M rows; return it, for any text, and the matrix of these, [M, V].

        Each block of columns has length 1. A block is left out where none of its terms occurs in
        two of the texts: words may be codes, and some languages have no spaces.

        Raises:
            UserError: this leaves no block.
        """
        fitted, matrices = {}, []
        for name, every in self.counts.items():
            counts = every[rows]
            common = np.bincount(counts.indices, minlength=counts.shape[1]) >= MIN_TEXTS
            if not common.any():
                continue
            weights = TfidfTransformer(sublinear_tf=True)
            matrices.append(weights.fit_transform(counts[:, common]))
            fitted[name] = BLOCKS[name].vectorizer()
            terms = self.terms[name][common]
            fitted[name].vocabulary_ = {term: column for column, term in enumerate(terms)}
            fitted[name].idf_ = weights.idf_
        if not fitted:
            raise UserError(
                "TF-IDF has nothing to learn: no word, nor any part of one, occurs in two texts of "
                "the train split; expected texts with words in common: check which columns are "
                "read as title and text, or take the row out of rows.text"
            )
        parts = [(name, BLOCKS[name].vectorizer(), BLOCKS[name].column) for name in fitted]
        whole = ColumnTransformer(parts, sparse_threshold=1.0).fit(_ANY_TEXTS)
        whole.transformers_ = [
            (name, fitted.get(name, part), column) for name, part, column in whole.transformers_
        ]
        return whole, hstack(matrices, format="csr")

    def transform(self, vectors: ColumnTransformer, rows: Rows) -> csr_matrix:
        """Return what a TF-IDF of `fit` makes of M rows, [M, V], without counting anew."""
        matrices = []
        for name, _, _ in vectors.transformers:
            part = vectors.named_transformers_[name]
            columns = [self.columns[name][term] for term in part.vocabulary_]
            weights = TfidfTransformer(sublinear_tf=True)
            weights.idf_ = part.idf_
            matrices.append(weights.transform(self.counts[name][rows][:, columns]))
        return hstack(matrices, format="csr")
