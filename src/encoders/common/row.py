"""One row of the table from its encoder to its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from src.artifacts.model_files import save_sklearn
from src.artifacts.outputs import RowOutput
from src.core.files import replacing, write_json
from src.core.listings import cv_rounds
from src.encoders.common.folds import Encoder, Trained, train


def train_row(
    encoder: Encoder, table: pd.DataFrame, row: str, folds: int, seed: int, about: Any
) -> None:
    """Fit and score on every split; write data/embeddings/<row> and data/checkpoints/<row>.

    A machine that helps another (NODE_RANK above 0) fits along and writes nothing.

    Args:
        table: the prepared listings.
        about: what is needed to build the model again, beside its weights.
    """
    rounds = (
        train(encoder, table.assign(split=split), folds, seed, row) for split in cv_rounds(table)
    )
    if int(os.environ.get("NODE_RANK", 0)) > 0:
        for _ in rounds:
            pass
        return
    with replacing(Path("data/embeddings") / row) as embeddings:
        for number, trained in enumerate(rounds):
            RowOutput(trained.features, trained.out_of_fold).save(embeddings, number)
            if number == 0:
                save_model(trained, Path("data/checkpoints") / row, about)


def save_model(trained: Trained, checkpoint: Path, about: Any) -> None:
    """Write a row's model to the folder `checkpoint`.

    Args:
        about: what is needed to build the model again, beside its weights; becomes model.json.
    """
    with replacing(checkpoint) as beside:
        beside.mkdir()
        network, words = _parts(trained.model)
        if network is not None:
            from safetensors.torch import save_file

            state = {k: v.contiguous() for k, v in network.state_dict().items()}
            save_file(state, beside / "model.safetensors")
        if words is not None:
            save_sklearn(words, beside / "model.skops")
        classes = trained.features.classes.tolist()
        write_json(beside / "model.json", {"classes": classes, **about})
        if len(trained.curves):
            trained.curves.to_csv(beside / "curves.csv", index=False, float_format="%.6f")


def _parts(model: Any) -> tuple[Any, Any]:
    """A model's network and what it has of scikit-learn: one of them is None, or neither."""
    if hasattr(model, "vectors"):
        return model.network, model.vectors
    return (model, None) if hasattr(model, "state_dict") else (None, model)
