"""Stage evaluate: judge every row on the test part, write metrics and the table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from src.errors import run_stage
from src.judge.evaluate import evaluate
from src.listings import PREPARED, read_listings
from src.params import stage_params


def main() -> None:
    params = stage_params("evaluate")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    planted = Path("data/raw/notes/truth.parquet")
    truth = pd.read_parquet(planted) if planted.exists() else None
    evaluate(table, Path("data"), params, truth, Path("metrics"))


if __name__ == "__main__":
    run_stage(main)
