"""The chosen row: its scores, and the rows that do not differ from it significantly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from src.core.schema import Params
from src.evaluation.abstain import TARGETS, percent_name
from src.evaluation.choice import best_row
from src.evaluation.reading import ALPHA
from src.report.results import Record, Results


@dataclass(frozen=True)
class Headline:
    """What the page says of the row that val chooses.

    Attributes:
        scores: its line of metrics/table.csv.
        correct: how many of the listings scored are right.
        rows: how many honest rows there are.
        better_on_test: the row of the highest macro F1 on test where that is another; else ''.
        predicting: the row that makes the bundle's predictions.
        not_different: the rows that were compared with it and do not differ significantly.
    """

    scores: Record
    correct: int
    rows: int
    better_on_test: str
    predicting: str
    not_different: list[str]


class Answered(NamedTuple):
    """The share of listings answered at a target accuracy, and the lowest confidence answered."""

    share: float
    threshold: float


def headline(results: Results, params: Params) -> Headline:
    """Describe the row that val chooses.

    Args:
        params: `model`, `text_model` and `fused_model` are read.
    """
    chosen, best = results.chosen, best_row(results.table)
    (scores,) = results.table[results.table["row"] == chosen].to_dict("records")
    return Headline(
        scores=scores,
        correct=round(scores["accuracy"] * scores["n_test"]),
        rows=len(results.honest),
        better_on_test=best if best != chosen else "",
        predicting=params.fused_model or params.model or params.text_model,
        not_different=not_different(results.pairs, chosen),
    )


def answered(scores: dict[str, float]) -> dict[float, Answered]:
    """Return what a row answers at each target accuracy that it reaches.

    Args:
        scores: of one row, such as metrics/fused/stack.json.
    """
    names = {target: percent_name(target) for target in TARGETS}
    return {
        target: Answered(scores[f"share_at_{name}"], scores[f"threshold_at_{name}"])
        for target, name in names.items()
        if f"share_at_{name}" in scores
    }


def not_different(pairs: pd.DataFrame, row: str) -> list[str]:
    """Return the rows that were compared with this one and do not differ significantly."""
    same = pairs[pairs["p_holm"] >= ALPHA]
    return [
        *same.loc[same["row"] == row, "against"].tolist(),
        *same.loc[same["against"] == row, "row"].tolist(),
    ]
