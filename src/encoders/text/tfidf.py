"""The baseline: words and characters weighted by TF-IDF under a logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression

from src.artifacts.model_files import load_sklearn, save_sklearn
from src.core.errors import UserError
from src.core.files import read_json, write_json
from src.core.schema import Tfidf
from src.encoders.common.encoder import EncoderOutput, FitPlan
from src.encoders.text.ngrams import CountedTexts, Vectors, stemmed, text_columns, tfidf_of
from src.encoders.text.row_space import fit_linear
from src.encoders.text.tokens import rows_with_text


class TfidfClassifier:
    """Fitted TF-IDF, logistic regression and, for features, truncated SVD.

    Attributes:
        vectors, classifier, reduction: these three.
        classes: names of the classes, [C].
    """

    def __init__(
        self,
        vectors: Vectors,
        classifier: LogisticRegression,
        reduction: TruncatedSVD,
        classes: Sequence[str],
        settings: Tfidf,
    ) -> None:
        self.vectors, self.classifier, self.reduction = vectors, classifier, reduction
        self.classes, self.settings = list(classes), settings

    @classmethod
    def load(cls, folder: Path) -> TfidfClassifier:
        """Read what `save` wrote.

        Raises:
            UserError: the file is broken or holds types of other models.
        """
        about = read_json(folder / "model.json")
        settings = Tfidf.model_validate(about["settings"])
        fitted = load_sklearn(folder / "model.npz")
        return cls(**fitted, classes=about["classes"], settings=settings)

    def save(self, folder: Path) -> None:
        """Write model.json and model.npz."""
        names = ("vectors", "classifier", "reduction")
        save_sklearn({name: getattr(self, name) for name in names}, folder / "model.npz")
        about = {"classes": self.classes, "settings": self.settings.model_dump()}
        write_json(folder / "model.json", about)

    def score(self, table: pd.DataFrame) -> EncoderOutput:
        """Score listings by their `title_words` and `text_words`."""
        return self.score_texts(text_columns(table["title_words"], table["text_words"]))

    def score_texts(self, texts: pd.DataFrame) -> EncoderOutput:
        """Score texts as `text_columns` gives them."""
        return self.score_matrix(tfidf_of(self.vectors, stemmed(texts)))

    def score_matrix(self, matrix: csr_matrix) -> EncoderOutput:
        """Score texts by their TF-IDF, [N, V].

        Known are texts with a word or a sequence of characters that the vectorizer learned.
        """
        n = matrix.shape[0]
        probs = np.zeros((n, len(self.classes)), np.float32)
        probs[:, self.classifier.classes_] = self.classifier.predict_proba(matrix)
        x = np.zeros((n, self.settings.components), np.float32)
        reduced = self.reduction.transform(matrix)
        # Small data have fewer components than asked for; the others stay 0.
        x[:, : reduced.shape[1]] = reduced
        return EncoderOutput(x, probs, _known(matrix))


class TfidfEncoder:
    """Stems of the title, stems and pairs of them of the whole, characters within words.

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
        words = (lists[name].map(" ".join) for name in ("title", "body"))
        self.texts = CountedTexts(stemmed(text_columns(*words)))
        self.labels, self.classes = labels[self.rows], classes
        self.settings = settings

    def fit(self, train: NDArray[np.intp], plan: FitPlan) -> tuple[TfidfClassifier, pd.DataFrame]:
        """Fit on the train rows; without epochs there are no curves."""
        settings = self.settings
        vectors, matrix = self.texts.fit(train)
        balanced = "balanced" if settings.imbalance == "weights" else None
        classifier = LogisticRegression(C=settings.C, class_weight=balanced, max_iter=1000)
        known = _known(matrix)
        if len(np.unique(self.labels[train][known])) < 2:
            raise UserError(
                "TF-IDF has texts with words of only one category to learn from; expected at least "
                "2: add listings, set fewer folds, or take the row out of rows.text"
            )
        matrix = matrix[known]
        rank = min(settings.components, min(matrix.shape) - 1)
        reduction = TruncatedSVD(rank, random_state=plan.seed)
        models = {"coef_": classifier, "components_": reduction}
        fit_linear(models, matrix, self.labels[train][known])
        fitted = TfidfClassifier(vectors, classifier, reduction, self.classes, settings)
        return fitted, pd.DataFrame()

    def score(self, model: TfidfClassifier, rows: NDArray[np.intp]) -> EncoderOutput:
        """Return features and probabilities of the rows."""
        return model.score_matrix(self.texts.transform(model.vectors, rows))


def _known(matrix: csr_matrix) -> NDArray[np.bool_]:
    """Return which rows of a TF-IDF matrix are not empty."""
    known: NDArray[np.bool_] = matrix.getnnz(axis=1) > 0
    return known
