"""Fitting words and a network's features of the same text under one kernel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from src.encoders.common.kernel import choose_landmarks
from src.encoders.common.network import NetworkEncoder
from src.encoders.text.data import TextData
from src.encoders.text.mixed import Mixed
from src.encoders.text.tfidf import columns_of, make_vectors


class WordsAndNetwork:
    """A kernel of which the share `words` is of TF-IDF, the rest of the network's features.

    The words' part is linear, so it is kept as one weight per word and class.
    """

    frozen_features = False
    stops_early = False

    def __init__(self, encoder: NetworkEncoder, texts: TextData, table: pd.DataFrame) -> None:
        self.encoder, self.data, self.rows = encoder, texts, encoder.rows
        words = table.iloc[self.rows]
        self.texts = columns_of(words["title_words"], words["text_words"]).reset_index(drop=True)

    def fit(
        self, train: NDArray[np.intp], val: NDArray[np.intp], number: int
    ) -> tuple[Mixed, pd.DataFrame]:
        """Fit on the train rows; val is not needed."""
        network = self.data.network(self.encoder.num_classes)
        vectors = make_vectors(self.texts.iloc[train])
        # Of few short texts the vectorizer would give a dense one.
        matrix = csr_matrix(vectors.fit_transform(self.texts.iloc[train]))
        blocks = len(vectors.transformers_)
        landmarks = choose_landmarks(len(train), self.encoder.seed)
        similar = (matrix @ matrix[landmarks].T).toarray().astype(np.float64) / blocks
        self.encoder.freeze(network)
        fit = self.encoder.fit_kernel_head(network, train, landmarks, similar)
        share = self.encoder.spec["words"] / blocks * fit.temperature
        coef = share * (matrix[landmarks].T @ fit.coef)
        network.head.register_buffer("words_coef", torch.from_numpy(coef).float())
        return Mixed(network, vectors), pd.DataFrame()

    def score(
        self, model: Mixed, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return features [N, D] and probabilities [N, C] of the rows."""
        assert self.encoder.frozen is not None
        x = self.encoder.frozen[rows]
        return x.numpy(), model.probs(x, self.texts.iloc[rows])
