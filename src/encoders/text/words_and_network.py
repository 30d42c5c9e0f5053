"""TF-IDF beside a text network's features, under one kernel: one model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import softmax
from torch import Tensor

from src.artifacts.model_files import load_sklearn, save_sklearn
from src.core.schema import KernelText, Trainer
from src.encoders.common.encoder import EncoderOutput, FitPlan
from src.encoders.common.kernel import choose_landmarks
from src.encoders.common.kernel_probe import KernelProbe
from src.encoders.text.classifier import TextNetworkClassifier
from src.encoders.text.data import TextData
from src.encoders.text.ngrams import CountedTexts, Vectors, text_columns, tfidf_of
from src.encoders.text.row_space import inner_products


class WordsAndNetworkClassifier:
    """A text network with a kernel head, and what words add to its logits.

    Attributes:
        network: the network, its head fitted for the sum of both kernels.
        vectors: the fitted TF-IDF.
        coef: what each of V words adds to the logits, [V, C] float32.
    """

    def __init__(
        self,
        network: TextNetworkClassifier,
        vectors: Vectors,
        coef: NDArray[np.float32],
    ) -> None:
        self.network, self.vectors, self.coef = network, vectors, coef
        self.classes = network.classes

    @classmethod
    def load(cls, folder: Path) -> WordsAndNetworkClassifier:
        """Read what `save` wrote.

        Raises:
            UserError: a file is broken or of another model.
        """
        words = load_sklearn(folder / "model.npz")
        return cls(TextNetworkClassifier.load(folder), words["vectors"], words["coef"])

    def save(self, folder: Path) -> None:
        """Write the network's files, and model.npz for the words."""
        self.network.save(folder)
        words = {"vectors": self.vectors, "coef": self.coef}
        save_sklearn(words, folder / "model.npz")

    def score(self, table: pd.DataFrame) -> EncoderOutput:
        """Score listings by their clean texts and words; the network says what is known."""
        x, _, known = self.network.score(table)
        texts = text_columns(table["title_words"], table["text_words"])
        words = tfidf_of(self.vectors, texts)
        return EncoderOutput(x, self.probs(torch.from_numpy(x), words), known)

    def probs(self, x: Tensor, words: csr_matrix) -> NDArray[np.float32]:
        """Return class probabilities [N, C] of features [N, D] and TF-IDF [N, V]."""
        head: Any = self.network.network.head
        with torch.inference_mode():
            logits = head(x).numpy() + words @ self.coef
        probs: NDArray[np.float32] = softmax(logits, axis=1).astype(np.float32)
        return probs


class WordsAndNetwork:
    """An encoder whose kernel is TF-IDF by the share `words`, and frozen features for the rest.

    The kernel of the words is linear, so it is kept as one coefficient per word and class.
    """

    frozen_features = True
    stops_early = False

    def __init__(
        self,
        data: TextData,
        table: pd.DataFrame,
        labels: NDArray[np.int64],
        classes: Sequence[str],
        settings: KernelText,
        trainer: Trainer,
        seed: int,
        name: str,
    ) -> None:
        """Take the listings, and the label of every listing of the prepared table."""
        self.probe = KernelProbe(data, labels, classes, settings, trainer, seed, name)
        self.data, self.rows, self.settings = data, data.rows, settings
        read = table.iloc[self.rows]
        self.texts = CountedTexts(text_columns(read["title_words"], read["text_words"]))

    def fit(
        self, train: NDArray[np.intp], plan: FitPlan
    ) -> tuple[WordsAndNetworkClassifier, pd.DataFrame]:
        """Fit on the train rows; without epochs there are no curves."""
        return self.fit_and_leave_out(train, plan)[0], pd.DataFrame()

    def fit_and_leave_out(
        self, train: NDArray[np.intp], plan: FitPlan
    ) -> tuple[WordsAndNetworkClassifier, NDArray[np.float32]]:
        """Fit on N rows; return the model, and probabilities of each without its group, [N, C]."""
        torch.manual_seed(plan.seed)
        model = self.data.start(self.probe.classes)
        vectors, found = self.texts.fit(train)
        # In float64, or copies would not be quite equal.
        matrix = found.astype(np.float64)
        blocks = len(vectors)
        landmarks = choose_landmarks(len(train), plan.seed)
        kernel = inner_products(matrix, landmarks) / blocks
        self.probe.frozen.of(model.network)
        share = self.settings.words
        fitted = self.probe.fit_head(model, train, landmarks, kernel, share)
        weight = share / blocks * fitted.temperature_
        coef = weight * (matrix[landmarks].T @ fitted.coef_)
        classifier = WordsAndNetworkClassifier(model, vectors, coef.astype(np.float32))
        return classifier, fitted.left_out_probs().astype(np.float32)

    def reuse(self, features: NDArray[np.float32]) -> None:
        """Take features [N, D] of the network that an earlier run has computed."""
        self.probe.reuse(features)

    def score(self, model: WordsAndNetworkClassifier, rows: NDArray[np.intp]) -> EncoderOutput:
        """Return features and probabilities of the rows."""
        x = self.probe.frozen.plain[rows]
        probs = model.probs(x, self.texts.transform(model.vectors, rows))
        return EncoderOutput(x.numpy(), probs, np.ones(len(rows), bool))
