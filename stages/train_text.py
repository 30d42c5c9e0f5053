"""Stage train_text: fit one text row and score all texts: `train_text tfidf`."""

from __future__ import annotations

from pathlib import Path

from src.core.listings import PREPARED, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.encoders.text.train import train_text


def main(row: str) -> None:
    params = stage_params(f"train_text@{row}")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    settings = params.text_models[row]
    train_text(table, row, settings, params.trainer, params.seed, Path("data"), params.repeats)


if __name__ == "__main__":
    run_stage("train_text@{row}", main)
