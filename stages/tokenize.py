"""Stage tokenize: token lists of every listing for one text row: `tokenize tfidf`."""

from __future__ import annotations

from pathlib import Path

from src.core.listings import PREPARED, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.encoders.text.tokens import tokenize


def main(row: str) -> None:
    # It reads no parameter, but the row must be one of params.yaml.
    stage_params(f"tokenize@{row}")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    tokenize(table, Path("data/weights") / row, Path("data/tokens") / row)


if __name__ == "__main__":
    run_stage("tokenize@{row}", main)
