"""Stage evaluate: judge every row on the test part, write metrics and the table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from src.core.listings import PREPARED, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.evaluation.evaluate import evaluate


def main() -> None:
    params = stage_params("evaluate")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    planted = Path("data/raw/notes/truth.parquet")
    truth = pd.read_parquet(planted) if planted.exists() else None
    evaluate(table, Path("data"), params, truth, Path("metrics"))


if __name__ == "__main__":
    run_stage("evaluate", main)
