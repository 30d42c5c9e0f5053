"""Everything that is measured of one row of the results table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.evaluation.abstain import (
    TARGETS,
    accuracy_by_share,
    area_under,
    percent_name,
    thinned,
    threshold_for,
)
from src.evaluation.added import ADDED
from src.evaluation.calibration import (
    Calibrated,
    brier,
    expected_calibration_error,
    log_loss,
    reliability,
)
from src.evaluation.intervals import score_intervals
from src.evaluation.row_predictions import RowPredictions
from src.evaluation.scores import per_class, score


@dataclass(frozen=True)
class RowEvaluation:
    """Scores of one row and the data of its plots.

    Attributes:
        row, kind, weights: its name, its kind, and where its first weights come from.
        scores: of `row_scores`.
        per_class: of `scores.per_class`, with the column row.
        confusion: actual and predicted of each of the N listings.
        reliability: of `calibration.reliability`.
        abstain: of `abstain.accuracy_by_share`, at most 100 lines.
        likeliest: of `likeliest_categories`.
    """

    row: str
    kind: str
    weights: str
    scores: dict[str, Any]
    per_class: pd.DataFrame
    confusion: pd.DataFrame
    reliability: pd.DataFrame
    abstain: pd.DataFrame
    likeliest: pd.DataFrame


def evaluate_row(predictions: RowPredictions, seed: int) -> RowEvaluation:
    """Measure one row; `seed` draws the calibration folds and the bootstrap resamples."""
    actual, predicted, y = predictions.actual, predictions.predicted, predictions.y
    calibrated = predictions.calibrated(seed)
    curve = accuracy_by_share(calibrated.probs.max(1), predicted == actual)
    return RowEvaluation(
        row=predictions.row,
        kind=predictions.kind,
        weights=predictions.weights,
        scores=row_scores(predictions, calibrated, curve, seed),
        per_class=per_class(actual, predicted).assign(row=predictions.row),
        confusion=pd.DataFrame({"actual": actual, "predicted": predicted}),
        reliability=reliability(predictions.probs, y),
        abstain=thinned(curve),
        likeliest=likeliest_categories(predictions, calibrated.probs),
    )


def row_scores(
    predictions: RowPredictions, calibrated: Calibrated, curve: pd.DataFrame, seed: int
) -> dict[str, Any]:
    """Return every score of one row by name, plain numbers only.

    Those of `score` and `extra_scores`; the bounds of macro F1 and accuracy; ECE, Brier score and
    log loss before and (`_calibrated`) after calibration; the `temperature` for new listings;
    `area_answered`, the area under accuracy against the share answered; and for each target
    accuracy the share that can be answered at it and the confidence that this takes.

    Args:
        calibrated: the row's calibrated probabilities.
        curve: of `abstain.accuracy_by_share` for these.
        seed: of the bootstrap.
    """
    y, probs = predictions.y, predictions.probs
    actual, predicted = predictions.actual, predictions.predicted
    scores = score(actual, predicted, predictions.has_photo) | predictions.extra_scores
    more = dict(score_intervals(actual, predicted, predictions.groups, seed)._asdict())
    for suffix, p in (("", probs), ("_calibrated", calibrated.probs)):
        more[f"ece{suffix}"] = expected_calibration_error(p, y)
        more[f"brier{suffix}"] = brier(p, y)
        more[f"log_loss{suffix}"] = log_loss(p, y)
    more["temperature"] = calibrated.temperature
    more["area_answered"] = area_under(curve)
    for target in TARGETS:
        if (found := threshold_for(curve, target)) is not None:
            name = percent_name(target)
            more[f"threshold_at_{name}"], more[f"share_at_{name}"] = found
    return scores | {name: round(value, 6) for name, value in more.items()}


def likeliest_categories(
    predictions: RowPredictions, calibrated: NDArray[np.float32]
) -> pd.DataFrame:
    """Return the three likeliest categories of each listing with their calibrated probabilities.

    In the order before calibration, which rounding may make equal.

    Columns: row, id, actual, predicted, predicted_prob, second, second_prob, third, third_prob; of
    a fused row ADDED as well.
    """
    columns: dict[str, Any] = {
        "row": predictions.row,
        "id": predictions.ids,
        "actual": predictions.actual,
    }
    order = np.argsort(-predictions.probs, axis=1, kind="stable")
    for place, name in zip(range(order.shape[1]), ("predicted", "second", "third"), strict=False):
        columns[name] = predictions.classes[order[:, place]]
        columns[f"{name}_prob"] = np.take_along_axis(calibrated, order[:, [place]], 1)[:, 0]
    if predictions.added is not None:
        columns |= dict(zip(ADDED.values(), predictions.added.T, strict=True))
    return pd.DataFrame(columns)
