"""The baseline: words and characters weighted by TF-IDF under a logistic regression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from src.encoders.text.tokens import rows_with_text


class BagOfWords:
    """Words of the title, words and pairs of words of the whole, characters within words.

    Features are the matrix's latent semantic analysis (truncated SVD), fitted on train texts.
    """

    frozen_features = False
    stops_early = False

    def __init__(
        self,
        table: pd.DataFrame,
        tokens: pd.DataFrame,
        labels: NDArray[np.int64],
        num_classes: int,
        spec: dict[str, Any],
        seed: int,
    ) -> None:
        self.rows = rows_with_text(table)
        lists = tokens.set_index("id").loc[table["id"].to_numpy()[self.rows]]
        self.texts = columns_of(*(lists[name].map(" ".join) for name in ("title", "body")))
        self.labels, self.num_classes = labels[self.rows], num_classes
        self.spec, self.seed = spec, seed

    def fit(
        self, train: NDArray[np.intp], val: NDArray[np.intp], number: int
    ) -> tuple[Pipeline, pd.DataFrame]:
        """Fit on the train rows; there are no epochs, so val is not needed and no curve is made."""
        spec = self.spec
        vectors = make_vectors(self.texts.iloc[train])
        balanced = "balanced" if spec["imbalance"] == "weights" else None
        classifier = LogisticRegression(C=spec["C"], class_weight=balanced, max_iter=1000)
        matrix = vectors.fit_transform(self.texts.iloc[train])
        classifier.fit(matrix, self.labels[train])
        steps = [("vectors", vectors), ("classifier", classifier)]
        # Of the folds' models only the probabilities are used: their features are not one space.
        if number == 0:
            rank = min(int(spec["components"]), min(matrix.shape) - 1)
            reduction = TruncatedSVD(rank, random_state=self.seed).fit(matrix)
            steps.insert(1, ("reduction", reduction))
        return Pipeline(steps), pd.DataFrame()

    def score(
        self, model: Pipeline, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return features [N, D] and probabilities [N, C] of the rows."""
        return score(model, self.texts.iloc[rows], self.num_classes, self.spec["components"])


def make_vectors(texts: pd.DataFrame) -> ColumnTransformer:
    """Return the vectorizer for such texts, unfitted; its blocks of columns have length 1 each."""
    parts = [
        ("title", _vectors("word", (1, 2)), "title"),
        ("words", _vectors("word", (1, 2)), "whole"),
        ("characters", _vectors("char_wb", (2, 5)), "whole"),
    ]
    # A source may have no titles at all.
    return ColumnTransformer(parts if (texts["title"] != "").any() else parts[1:])


def columns_of(title: pd.Series, body: pd.Series) -> pd.DataFrame:
    """Return what the model reads, title and whole, from words joined by spaces."""
    return pd.DataFrame({"title": title, "whole": title + " " + body}).astype(object)


def score(
    model: Pipeline, texts: pd.DataFrame, num_classes: int, components: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return features [N, components] and probabilities [N, num_classes] of texts' columns.

    A fold's model makes no features; they are 0.
    """
    parts = model.named_steps
    matrix = parts["vectors"].transform(texts)
    probs = np.zeros((len(texts), num_classes), np.float32)
    probs[:, parts["classifier"].classes_] = parts["classifier"].predict_proba(matrix)
    x = np.zeros((len(texts), components), np.float32)
    if "reduction" in parts:
        reduced = parts["reduction"].transform(matrix)
        # Small data have fewer components than asked for; the rest stay 0.
        x[:, : reduced.shape[1]] = reduced
    return x, probs


def _vectors(analyzer: str, ngrams: tuple[int, int]) -> TfidfVectorizer:
    # The texts are words joined by spaces already, so a token is whatever stands between them.
    return TfidfVectorizer(
        analyzer=analyzer,
        ngram_range=ngrams,
        token_pattern=r"\S+" if analyzer == "word" else None,
        sublinear_tf=True,
        min_df=2,
        dtype=np.float32,
    )
