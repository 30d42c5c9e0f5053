"""Everything an evaluation finds, from the rows' predictions; no file is read or written here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from src.core.listings import labels_of
from src.evaluation.audit import audit, audit_planted
from src.evaluation.ceilings import ceilings
from src.evaluation.choice import chosen_row
from src.evaluation.label_errors import find_label_errors, out_of_sample_probs
from src.evaluation.nearest import nearest_of_others
from src.evaluation.paired import compare
from src.evaluation.read import EvaluationInputs
from src.evaluation.row_evaluation import RowEvaluation, evaluate_row
from src.evaluation.table import results_table


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        rows: every row of the results table; the leaky one last.
        table: the results table, of `results_table`.
        pairs: which rows differ, of `paired.compare`.
        label_errors: listings of a probably wrong category, of `find_label_errors`.
        audit: the leakage audit's numbers, of `audit`; with `planted` where the truth is known.
        ceilings: the best possible scores, of `ceilings`; empty for real listings.
        curves: training curves by row.
        corrections: sentences on what people's corrections of labels did.
        nearest: what is most like the suspected labels and the chosen row's errors, of
            `nearest_of_others`.
    """

    rows: list[RowEvaluation]
    table: pd.DataFrame
    pairs: pd.DataFrame
    label_errors: pd.DataFrame
    audit: dict[str, Any]
    ceilings: dict[str, dict[str, float]]
    curves: dict[str, pd.DataFrame]
    corrections: list[str]
    nearest: pd.DataFrame

    @property
    def honest(self) -> list[RowEvaluation]:
        """The rows whose scores count: all but the leaky one."""
        return [row for row in self.rows if row.kind != "leaky"]


def evaluate(inputs: EvaluationInputs, seed: int) -> Evaluation:
    """Score every row, compare the rows, look for wrong labels and audit for leakage.

    Args:
        inputs: of `read_inputs`.
        seed: of the bootstrap and of the folds.
    """
    table, truth = inputs.table, inputs.truth
    rows = [evaluate_row(predictions, seed) for predictions in inputs.rows]
    honest = [predictions for predictions in inputs.rows if predictions.kind != "leaky"]
    pairs = compare(
        honest[0].actual,
        {predictions.row: predictions.predicted for predictions in honest},
        honest[0].groups,
        table.set_index("id")["fold"].reindex(honest[0].ids).to_numpy(),
        {p.row: (inputs.model, inputs.text_model) for p in honest if p.kind == "fused"},
        seed,
    )

    classes, y = labels_of(table)
    place, probs, added = out_of_sample_probs(table, inputs.outputs, seed)
    checked = table["id"].iloc[place]
    label_errors = find_label_errors(checked.to_numpy(dtype=str), y[place], classes, probs, added)

    scores = {row.row: row.scores for row in rows}
    found = audit(table, inputs.notes, scores, len(label_errors), len(checked))
    if truth is not None:
        group_by = inputs.notes["group_by"]
        found["planted"] = audit_planted(table, truth, label_errors, checked, group_by)
    results = results_table(
        [{"row": r.row, "kind": r.kind, "weights": r.weights} | r.scores for r in rows]
    )
    chosen = next(row for row in honest if row.row == chosen_row(results))
    shown = [*label_errors["id"], *chosen.ids[chosen.predicted != chosen.actual]]
    return Evaluation(
        rows=rows,
        table=results,
        pairs=pairs,
        label_errors=label_errors,
        audit=found,
        ceilings=ceilings(table, truth) if truth is not None else {},
        curves=inputs.curves,
        corrections=inputs.notes["corrections"]["said"],
        nearest=nearest_of_others(table, inputs.outputs, shown),
    )
