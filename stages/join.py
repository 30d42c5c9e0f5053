"""Stages join_image and join_text: join the outputs of two rows into one row: `text use_words`."""

from __future__ import annotations

from pathlib import Path

from src.core.listings import PREPARED, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.fusion.join import join_rows


def main(kind: str, row: str) -> None:
    params = stage_params(f"join_{kind}@{row}")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    parts = getattr(params.joined, kind)[row].model_dump()
    join_rows(table, row, parts, Path("data"), params.seed, params.repeats)


if __name__ == "__main__":
    run_stage("join_{kind}@{row}", main)
