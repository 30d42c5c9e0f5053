"""One row of the table from its encoder to its files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import pandas as pd

from src.artifacts.outputs import RowOutput
from src.core.files import replacing
from src.core.rounds import cv_rounds
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
    repeats: int = 1,
    unfinished: Path | None = None,
) -> None:
    """Fit and score in every round; write data/embeddings/<row> and data/checkpoints/<row>.

    The model of the first round is kept. Of several machines, all but the first (NODE_RANK above
    0) take part in the fits and write nothing.

    Args:
        encoders: one for each round of cross-validation, or one for all.
        table: the prepared listings.
        data: the folder `data`.
        nodes: how many machines fit together.
        repeats: how often all of it is done, with the seeds `seed`, `seed + 1` and so on.
        unfinished: where fits are kept until the row is done; None for nowhere.
    """
    fits = _fits(encoders, table, row, folds, seed, repeats, unfinished)
    if nodes > 1 and int(os.environ.get("NODE_RANK", 0)) > 0:
        for _ in fits:
            pass
        return
    with replacing(data / "embeddings" / row) as embeddings:
        for repeat, cv_round, trained in fits:
            RowOutput(trained.output, trained.out_of_fold).save(embeddings, cv_round, repeat)
            if repeat == cv_round == 0:
                save_model(trained, data / "checkpoints" / row)


def _fits(
    encoders: Sequence[Encoder],
    table: pd.DataFrame,
    row: str,
    folds: int,
    seed: int,
    repeats: int,
    unfinished: Path | None,
) -> Iterator[tuple[int, int, Trained]]:
    """Yield the number of each repeat and round with what was fitted in it."""
    splits = list(enumerate(cv_rounds(table)))
    for repeat in range(repeats):
        for (cv_round, split), encoder in zip(splits, cycle(encoders), strict=False):
            numbers = {"repeat": repeat, "round": cv_round}
            name = ", ".join([row, *(f"{what} {n + 1}" for what, n in numbers.items() if n)])
            one = table.assign(split=split)
            yield repeat, cv_round, train(encoder, one, folds, seed + repeat, name, unfinished)


def save_model(trained: Trained, checkpoint: Path) -> None:
    """Write a fitted model and its curves to the folder `checkpoint`."""
    with replacing(checkpoint) as folder:
        folder.mkdir()
        trained.model.save(folder)
        if len(trained.curves):
            trained.curves.to_csv(folder / "curves.csv", index=False, float_format="%.6f")
