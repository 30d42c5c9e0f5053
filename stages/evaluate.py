"""Stage evaluate: score every row on the test split; write the metrics and the results table."""

from __future__ import annotations

from pathlib import Path

from src.core.params import stage_params
from src.core.timing import run_stage
from src.evaluation.evaluate import evaluate
from src.evaluation.read import read_inputs
from src.evaluation.stale import remove_stale_rows
from src.evaluation.write import write_evaluation

DATA = Path("data")


def main() -> None:
    params = stage_params("evaluate")
    rows = params.rows.with_joined(params.joined)
    for path in remove_stale_rows(DATA, rows):
        print(f"removed {path}: params.yaml no longer names this row; DVC's cache keeps it")
    inputs = read_inputs(DATA, rows, params.model, params.text_model, params.repeats)
    write_evaluation(evaluate(inputs, params.seed), Path("metrics"), DATA / "evaluation")


if __name__ == "__main__":
    run_stage("evaluate", main)
