"""Any fitted text model by its folder; PyTorch is imported only for those that need it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pandas as pd
from pydantic import TypeAdapter

from src.core.files import read_json
from src.core.schema import KernelText, TextModel, Tfidf
from src.encoders.common.encoder import EncoderOutput


class TextClassifier(Protocol):
    """What every fitted text model can do.

    Attributes:
        classes: names of the classes, [C].
    """

    classes: list[str]

    def save(self, folder: Path) -> None: ...

    def score(self, table: pd.DataFrame) -> EncoderOutput:
        """Score listings by their `title`, `text`, `title_words` and `text_words`."""
        ...


def load_text_model(folder: Path) -> TextClassifier:
    """Read the text model that a training stage saved in a folder.

    Raises:
        UserError: a file is broken or of another model.
    """
    settings = TypeAdapter(TextModel).validate_python(read_json(folder / "model.json")["settings"])
    if isinstance(settings, Tfidf):
        from src.encoders.text.tfidf import TfidfClassifier

        return TfidfClassifier.load(folder)
    if isinstance(settings, KernelText) and settings.words:
        from src.encoders.text.words_and_network import WordsAndNetworkClassifier

        return WordsAndNetworkClassifier.load(folder)
    from src.encoders.text.classifier import TextNetworkClassifier

    return TextNetworkClassifier.load(folder)
