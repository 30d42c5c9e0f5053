"""Stage leaky: the original's mistake repeated on purpose, to show how 0.99 arises."""

from __future__ import annotations

from pathlib import Path

from src.errors import run_stage
from src.fusion.fuse import read_scores
from src.fusion.leaky import judge_leakily
from src.listings import PREPARED, read_listings
from src.params import stage_params


def main() -> None:
    params = stage_params("leaky")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    image, text = (
        read_scores(Path("data/embeddings") / params[chosen]) for chosen in ("model", "text_model")
    )
    predictions = judge_leakily(table, image.seen, text.seen, params["leaky"], params["seed"])
    predictions.save(Path("data/predictions/leaky.npz"))


if __name__ == "__main__":
    run_stage(main)
