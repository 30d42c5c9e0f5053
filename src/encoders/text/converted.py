"""A converted text network, with TF-IDF beside it or not: predictions without PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import TypeAdapter
from tokenizers import Tokenizer

from src.artifacts.model_files import load_sklearn
from src.core.schema import KernelText, TrainedText
from src.encoders.common.converted_model import BATCH, ConvertedModel
from src.encoders.common.encoder import EncoderOutput
from src.encoders.text.joining import texts_of
from src.encoders.text.ngrams import text_columns, tfidf_of


class ConvertedTextModel(ConvertedModel):
    """A fitted network of texts.

    Raises:
        UserError: a file is broken.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        kinds: TypeAdapter[TrainedText | KernelText] = TypeAdapter(TrainedText | KernelText)
        self.settings = kinds.validate_python(self.about["settings"])
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        words = folder / "model.npz"
        self.words = load_sklearn(words) if words.exists() else None

    def score(self, table: pd.DataFrame) -> EncoderOutput:
        """Score listings by their clean texts and words; known are those with a known token."""
        special = self.about["special"]
        texts = texts_of(table, self.settings, special, self.tokenizer)
        parts = texts.by_length(BATCH)
        batches = [texts.batch(rows, special["pad"]) for rows in parts]
        x = self.features((batch["input_ids"], batch["attention_mask"]) for batch in batches)
        if texts.titles:
            titles = ((batch["title_ids"], batch["title_mask"]) for batch in batches)
            x = np.concatenate([x, self.features(titles)], axis=1)
        x = x[np.argsort(np.concatenate(parts))]
        if self.words is None:
            return EncoderOutput(x, self.probs(x), texts.known)
        read = text_columns(table["title_words"], table["text_words"])
        added = tfidf_of(self.words["vectors"], read) @ self.words["coef"]
        return EncoderOutput(x, self.probs(x, added), texts.known)
