"""Texts of listings as padded batches of tokens; the title comes first in the budget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from src.core.files import read_json
from src.core.schema import KernelText, TrainedText
from src.encoders.text.classifier import TextNetworkClassifier, as_tensors
from src.encoders.text.joining import join_texts
from src.encoders.text.networks import start_text_network
from src.encoders.text.tokens import rows_with_text


class TextData:
    """The listings of whose text a token is known, as `src.encoders.common.loading.NetworkData`.

    Args:
        table: the prepared listings.
        tokens: the folder that the tokenize stage wrote for the row.
        weights: the folder that the weights stage wrote for the row.
    """

    views = 0
    # On a CPU, PyTorch is as fast.
    converted: Path | None = None

    def __init__(
        self, table: pd.DataFrame, tokens: Path, weights: Path, settings: TrainedText | KernelText
    ) -> None:
        self.special: dict[str, int] = read_json(tokens / "special.json")
        self.tokenizer = Tokenizer.from_file(str(tokens / "tokenizer.json"))
        rows = rows_with_text(table)
        lists = pd.read_parquet(tokens / "tokens.parquet").set_index("id").loc[table["id"]]
        titles, bodies = lists["title"].to_numpy(), lists["body"].to_numpy()
        read = join_texts(titles[rows], bodies[rows], settings, self.special, self.tokenizer)
        self.rows = rows[read.known]
        self.texts = read.only(np.flatnonzero(read.known))
        self.groups = table["group"].to_numpy(dtype=str)[self.rows]
        self.lengths = np.array([len(tokens) for tokens in self.texts.tokens])
        self.weights, self.settings = weights, settings

    def start(self, classes: Sequence[str]) -> TextNetworkClassifier:
        """Return the network with its first weights, to be fitted."""
        vocab_size = self.special["vocab_size"]
        return TextNetworkClassifier(
            start_text_network(self.settings, self.weights, vocab_size, len(classes)),
            classes,
            self.settings,
            read_json(self.weights / "source.json"),
            self.special,
            self.tokenizer,
        )

    def batch(self, rows: NDArray[np.intp]) -> dict[str, Tensor]:
        """Return what the network reads of B texts, each padded to the longest of them."""
        return as_tensors(self.texts.batch(rows, self.special["pad"]))

    def augmented_batch(
        self, rows: NDArray[np.intp], epochs: list[int], seed: int
    ) -> dict[str, Tensor]:
        """Return what `batch` does: texts are not augmented."""
        return self.batch(rows)
