"""The baseline: words and characters weighted by TF-IDF under a logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from src.artifacts.model_files import load_sklearn, save_sklearn
from src.core.errors import UserError
from src.core.files import read_json, write_json
from src.core.schema import Tfidf
from src.encoders.common.encoder import EncoderOutput, FitPlan
from src.encoders.text.tokens import rows_with_text


class TfidfClassifier:
    """A fitted pipeline of TF-IDF, logistic regression and, for features, truncated SVD.

    Attributes:
        pipeline: steps vectors, reduction and classifier.
        classes: names of the classes, [C].
    """

    def __init__(self, pipeline: Pipeline, classes: Sequence[str], settings: Tfidf) -> None:
        self.pipeline, self.classes, self.settings = pipeline, list(classes), settings

    @classmethod
    def load(cls, folder: Path) -> TfidfClassifier:
        """Read what `save` wrote.

        Raises:
            UserError: the file is broken or holds types of other models.
        """
        about = read_json(folder / "model.json")
        settings = Tfidf.model_validate(about["settings"])
        return cls(load_sklearn(folder / "model.npz"), about["classes"], settings)

    def save(self, folder: Path) -> None:
        """Write model.json and model.npz."""
        save_sklearn(self.pipeline, folder / "model.npz")
        about = {"classes": self.classes, "settings": self.settings.model_dump()}
        write_json(folder / "model.json", about)

    def score(self, table: pd.DataFrame) -> EncoderOutput:
        """Score listings by their `title_words` and `text_words`."""
        return self.score_texts(text_columns(table["title_words"], table["text_words"]))

    def score_texts(self, texts: pd.DataFrame) -> EncoderOutput:
        """Score texts as `text_columns` gives them.

        Known are texts with a word or a sequence of characters that the vectorizer learned.
        """
        steps = self.pipeline.named_steps
        matrix = steps["vectors"].transform(texts)
        probs = np.zeros((len(texts), len(self.classes)), np.float32)
        probs[:, steps["classifier"].classes_] = steps["classifier"].predict_proba(matrix)
        x = np.zeros((len(texts), self.settings.components), np.float32)
        reduced = steps["reduction"].transform(matrix)
        # Small data have fewer components than asked for; the others stay 0.
        x[:, : reduced.shape[1]] = reduced
        return EncoderOutput(x, probs, _known(matrix))


class TfidfEncoder:
    """Words of the title, words and pairs of words of the whole, characters within words.

    Features are the matrix's latent semantic analysis (truncated SVD), fitted on the same texts.
    """

    frozen_features = False
    stops_early = False

    def __init__(
        self,
        table: pd.DataFrame,
        tokens: pd.DataFrame,
        labels: NDArray[np.int64],
        classes: Sequence[str],
        settings: Tfidf,
    ) -> None:
        """Take the prepared listings, and the words and the label of each.

        Args:
            tokens: id, and lists of words in title and body.
        """
        self.rows = rows_with_text(table)
        lists = tokens.set_index("id").loc[table["id"].to_numpy()[self.rows]]
        self.texts = text_columns(*(lists[name].map(" ".join) for name in ("title", "body")))
        self.labels, self.classes = labels[self.rows], classes
        self.settings = settings

    def fit(self, train: NDArray[np.intp], plan: FitPlan) -> tuple[TfidfClassifier, pd.DataFrame]:
        """Fit on the train rows; without epochs there are no curves."""
        settings = self.settings
        vectors, matrix = fit_vectors(self.texts.iloc[train])
        balanced = "balanced" if settings.imbalance == "weights" else None
        classifier = LogisticRegression(C=settings.C, class_weight=balanced, max_iter=1000)
        known = _known(matrix)
        if len(np.unique(self.labels[train][known])) < 2:
            raise UserError(
                "TF-IDF has texts with words of only one category to learn from; expected at least "
                "2: add listings, set fewer folds, or take the row out of rows.text"
            )
        classifier.fit(matrix[known], self.labels[train][known])
        rank = min(settings.components, min(matrix.shape) - 1)
        reduction = TruncatedSVD(rank, random_state=plan.seed).fit(matrix)
        steps = [("vectors", vectors), ("reduction", reduction), ("classifier", classifier)]
        return TfidfClassifier(Pipeline(steps), self.classes, settings), pd.DataFrame()

    def score(self, model: TfidfClassifier, rows: NDArray[np.intp]) -> EncoderOutput:
        """Return features and probabilities of the rows."""
        return model.score_texts(self.texts.iloc[rows])


def fit_vectors(texts: pd.DataFrame) -> tuple[ColumnTransformer, Any]:
    """Fit the vectorizer to N texts; return it and their sparse or dense matrix, [N, V].

    Each block of columns has length 1. A block is left out where none of its terms occurs in two
    texts: words may be codes, and some languages have no spaces.

    Args:
        texts: as `text_columns` gives them.

    Raises:
        UserError: this leaves no block.
    """
    blocks = [
        ("title", _vectors("word", (1, 2)), "title"),
        ("words", _vectors("word", (1, 2)), "whole"),
        ("characters", _vectors("char_wb", (2, 5)), "whole"),
    ]
    # A source may have no titles at all.
    vectors = ColumnTransformer(blocks if (texts["title"] != "").any() else blocks[1:])
    try:
        return vectors, vectors.fit_transform(texts)
    except ValueError:
        kept = [block for block in blocks if _has_terms(block[1], texts[block[2]])]
    if not kept:
        raise UserError(
            "TF-IDF has nothing to learn: no word, nor any part of one, occurs in two texts of the "
            "train split; expected texts with words in common: check which columns are read as "
            "title and text, or take the row out of rows.text"
        )
    vectors = ColumnTransformer(kept)
    return vectors, vectors.fit_transform(texts)


def _has_terms(vectors: TfidfVectorizer, texts: pd.Series) -> bool:
    try:
        vectors.fit(texts)
    except ValueError:
        # scikit-learn's word for an empty vocabulary.
        return False
    return True


def text_columns(title: pd.Series, body: pd.Series) -> pd.DataFrame:
    """Return the columns that are vectorized, title and whole, from words joined by spaces."""
    return pd.DataFrame({"title": title, "whole": title + " " + body}).astype(object)


def _known(matrix: Any) -> NDArray[np.bool_]:
    """Return which rows of a TF-IDF matrix, sparse or dense, are not empty."""
    known: NDArray[np.bool_] = csr_matrix(matrix).getnnz(axis=1) > 0
    return known


def _vectors(analyzer: str, ngrams: tuple[int, int]) -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer=analyzer,
        ngram_range=ngrams,
        # The texts are words joined by spaces, so whatever stands between spaces is a token.
        token_pattern=r"\S+" if analyzer == "word" else None,
        sublinear_tf=True,
        min_df=2,
        dtype=np.float32,
    )
