"""One row of the table from its encoder to its files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import pandas as pd

from src.artifacts.outputs import RowOutput
from src.core.files import replacing
from src.core.listings import cv_rounds
from src.encoders.common.encoder import Encoder
from src.encoders.common.folds import Trained, train


def train_row(
    encoders: Sequence[Encoder],
    table: pd.DataFrame,
    row: str,
    folds: int,
    seed: int,
    data: Path,
    nodes: int,
) -> None:
    """Fit and score in every round; write data/embeddings/<row> and data/checkpoints/<row>.

    The model of the first round is kept. Of several machines, all but the first (NODE_RANK above
    0) take part in the fits and write nothing.

    Args:
        encoders: one for each round of cross-validation, or one for all.
        table: the prepared listings.
        data: the folder `data`.
        nodes: how many machines fit together.
    """
    rounds = (
        train(encoder, table.assign(split=split), folds, seed, row)
        for encoder, split in zip(cycle(encoders), cv_rounds(table), strict=False)
    )
    if nodes > 1 and int(os.environ.get("NODE_RANK", 0)) > 0:
        for _ in rounds:
            pass
        return
    with replacing(data / "embeddings" / row) as embeddings:
        for cv_round, trained in enumerate(rounds):
            RowOutput(trained.output, trained.out_of_fold).save(embeddings, cv_round)
            if cv_round == 0:
                save_model(trained, data / "checkpoints" / row)


def save_model(trained: Trained, checkpoint: Path) -> None:
    """Write a fitted model and its curves to the folder `checkpoint`."""
    with replacing(checkpoint) as folder:
        folder.mkdir()
        trained.model.save(folder)
        if len(trained.curves):
            trained.curves.to_csv(folder / "curves.csv", index=False, float_format="%.6f")
