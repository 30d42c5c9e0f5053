"""Stage tokenize: token lists of every listing for one text row: `tokenize tfidf`."""

from __future__ import annotations

import sys
from pathlib import Path

from src.core.listings import PREPARED, read_listings
from src.core.timing import run_stage
from src.encoders.text.tokens import tokenize


def main() -> None:
    row = sys.argv[1]
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    tokenize(table, Path("data/weights") / row, Path("data/tokens") / row)


if __name__ == "__main__":
    run_stage(f"tokenize@{sys.argv[1]}", main)
