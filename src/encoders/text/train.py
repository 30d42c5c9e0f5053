"""Training of one text row, from the prepared listings to its files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from src.core.files import read_json
from src.core.listings import labels_of
from src.core.rounds import cv_rounds
from src.core.schema import KernelText, Tfidf, TrainedText, Trainer
from src.encoders.common.encoder import Encoder
from src.encoders.common.row import train_row
from src.encoders.text.tokens import round_folder


def train_text(
    table: pd.DataFrame,
    row: str,
    settings: TrainedText | KernelText | Tfidf,
    trainer: Trainer,
    seed: int,
    data: Path,
    repeats: int = 1,
    unfinished: Path | None = None,
) -> None:
    """Fit a text row and score all texts.

    Args:
        table: the prepared listings.
        data: the folder `data`; its tokens/<row>/ and weights/<row>/ are read, embeddings/<row>/
            and checkpoints/<row>/ are written.
        repeats: how often the row is fitted, each time with another seed.
        unfinished: where fits are kept until the row is done; None for nowhere.

    Raises:
        UserError: there are too few texts, or params.yaml asks for what this machine, the network
            or a bundle with it cannot do.
    """
    if not isinstance(settings, Tfidf):
        source = read_json(data / "weights" / row / "source.json")
        for line in _surprises(f"text_models.{row}", settings, source):
            print(line)
    own_tokens = round_folder(data / "tokens" / row, 1).exists()
    encoders = [
        text_encoder(table, row, settings, trainer, seed, data, cv_round)
        for cv_round in range(len(cv_rounds(table)) if own_tokens else 1)
    ]
    # A kernel machine leaves out groups instead.
    folds = 0 if isinstance(settings, KernelText) else settings.folds
    train_row(encoders, table, row, folds, seed, data, trainer.nodes, repeats, unfinished)


def _surprises(
    path: str, settings: TrainedText | KernelText, source: dict[str, Any]
) -> Iterator[str]:
    """Yield a line for each setting that is not as the network's own files have it."""
    network = source["network"]
    if settings.pooling != source.get("pooling", settings.pooling):
        yield f"{path}.pooling is {settings.pooling}; {network} was made for {source['pooling']}"
    if settings.prefix not in (prefixes := source.get("prefixes", [settings.prefix])):
        known = ", ".join(map(repr, prefixes))
        yield f"{path}.prefix is {settings.prefix!r}; {network} was made for {known}"


def text_encoder(
    table: pd.DataFrame,
    row: str,
    settings: TrainedText | KernelText | Tfidf,
    trainer: Trainer,
    seed: int,
    data: Path,
    cv_round: int = 0,
) -> Encoder:
    """Return the encoder that a row's settings ask for; TF-IDF imports no PyTorch.

    Args:
        cv_round: whose tokens it reads, where each round has its own; the others as for
            `train_text`.
    """
    names, labels = labels_of(table)
    classes = names.tolist()
    tokens, weights = round_folder(data / "tokens" / row, cv_round), data / "weights" / row
    if isinstance(settings, Tfidf):
        from src.encoders.text.tfidf import TfidfEncoder

        words = pd.read_parquet(tokens / "tokens.parquet")
        return TfidfEncoder(table, words, labels, classes, settings)
    from src.encoders.common.network import network_encoder
    from src.encoders.text.data import TextData

    texts = TextData(table, tokens, weights, settings)
    if settings.weights == "hub" and not cv_round:
        from src.encoders.text.convert import require_convertible

        # Packages' networks are known; of others, a fault is told before hours of fitting.
        require_convertible(texts.start(classes))
    if isinstance(settings, KernelText) and settings.words:
        from src.encoders.text.words_and_network import WordsAndNetwork

        return WordsAndNetwork(texts, table, labels, classes, settings, trainer, seed, row)
    return network_encoder(texts, labels, classes, settings, trainer, seed, row)
