"""Reading what the earlier stages left for the evaluation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from src.artifacts.outputs import ModelOutput, RowOutput
from src.core.files import read_json
from src.core.listings import PREPARED, read_listings
from src.core.rounds import cv_rounds
from src.core.schema import Rows
from src.evaluation.row_predictions import (
    RowPredictions,
    fused_predictions,
    leaky_predictions,
    model_predictions,
)
from src.evaluation.scores import as_labelled_scores
from src.fusion.predictions import Predictions


@dataclass(frozen=True)
class EvaluationInputs:
    """What is evaluated.

    Attributes:
        table: the prepared listings.
        notes: what `prepare` counted.
        truth: what the demo planted; None for real listings.
        rows: the predictions of every row, in the order of the results table; the leaky one last.
        model, text_model: the rows that the fused rows read; '' for none.
        outputs: of these two in the first round of cross-validation, by photo and text.
        curves: the training curves of the rows that have them, by row.
    """

    table: pd.DataFrame
    notes: dict[str, Any]
    truth: pd.DataFrame | None
    rows: list[RowPredictions]
    model: str
    text_model: str
    outputs: dict[str, RowOutput]
    curves: dict[str, pd.DataFrame]


def read_inputs(
    data: Path, rows: Rows, model: str, text_model: str, repeats: int = 1
) -> EvaluationInputs:
    """Read the folder `data`.

    Args:
        rows: the rows of the results table.
        model, text_model: the image and the text row that the fused rows read; '' for none.
        repeats: with how many seeds each row was fitted.

    Raises:
        LeakError: a model was fitted on a listing of the test split or its near-duplicate.
        UserError: the table of listings is not as `PREPARED` wants it.
    """
    table = read_listings(data / "prepared" / "listings.parquet", PREPARED)
    notes = read_json(data / "prepared" / "notes.json")
    truth = data / "raw" / "notes" / "truth.parquet"
    curves = {row: data / "checkpoints" / row / "curves.csv" for row in (*rows.image, *rows.text)}
    return EvaluationInputs(
        table=table,
        notes=notes,
        truth=pd.read_parquet(truth) if truth.exists() else None,
        rows=[
            _with_former_labels(row, notes["corrections"]["changed"])
            for row in _read_rows(data, table, rows, model, text_model, repeats)
        ],
        model=model,
        text_model=text_model,
        outputs={
            modality: RowOutput.load(data / "embeddings" / row)
            for modality, row in (("photo", model), ("text", text_model))
            if row
        },
        curves={row: pd.read_csv(path) for row, path in curves.items() if path.exists()},
    )


def _with_former_labels(row: RowPredictions, was: dict[str, str]) -> RowPredictions:
    """Add the scores by the labels as they were before people corrected them, `was` by id."""
    former = np.array([was.get(i, now) for i, now in zip(row.ids, row.actual, strict=True)])
    scores = as_labelled_scores(row.actual, row.predicted, former)
    return replace(row, extra_scores=row.extra_scores | scores)


def _read_rows(
    data: Path, table: pd.DataFrame, rows: Rows, model: str, text_model: str, repeats: int
) -> list[RowPredictions]:
    weights = {
        row: str(read_json(data / "weights" / row / "source.json")["weights"])
        for row in (*rows.image, *rows.text)
    }
    rounds = range(len(cv_rounds(table)))
    found = []
    for kind, names in (("image", rows.image), ("text", rows.text)):
        for row in names:
            # One round at a time: the features of all rounds together may not fit into memory.
            folder = data / "embeddings" / row
            first = (RowOutput.load(folder, n) for n in rounds)
            others = (
                (ModelOutput.load(RowOutput.folder(folder, n, r) / "features.npz") for n in rounds)
                for r in range(1, repeats)
            )
            found.append(model_predictions(table, row, kind, weights[row], first, others))
    both = " + ".join(f"{row}: {weights[row]}" for row in (model, text_model) if row)
    for row in rows.fused:
        fused = Predictions.load(data / "predictions" / f"{row}.npz")
        found.append(fused_predictions(table, row, both, fused))
    leaky = Predictions.load(data / "predictions" / "leaky.npz")
    return [*found, leaky_predictions(table, both, leaky)]
