"""One row of the table from its encoder to its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from src.files import replacing
from src.listings import splits
from src.models.store import save_model, save_scores
from src.models.train import Encoder, scores_folder, train


def train_row(
    encoder: Encoder, table: pd.DataFrame, row: str, folds: int, seed: int, about: Any
) -> None:
    """Fit and score on every split; write data/embeddings/<row> and data/checkpoints/<row>.

    A machine that helps another (NODE_RANK above 0) fits along and writes nothing.

    Args:
        table: the prepared listings.
        about: what is needed to build the model again, beside its weights.
    """
    rounds = (train(encoder, table.assign(part=part), folds, seed, row) for part in splits(table))
    if int(os.environ.get("NODE_RANK", 0)) > 0:
        for _ in rounds:
            pass
        return
    with replacing(Path("data/embeddings") / row) as embeddings:
        for number, trained in enumerate(rounds):
            save_scores(trained, scores_folder(embeddings, number))
            if number == 0:
                save_model(trained, Path("data/checkpoints") / row, about)
