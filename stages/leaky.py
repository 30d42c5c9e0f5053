"""Stage leaky: the original's mistake repeated on purpose, to show how 0.99 arises."""

from __future__ import annotations

from pathlib import Path

from src.artifacts.outputs import RowOutput
from src.core.listings import PREPARED, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.fusion.leaky import judge_leakily


def main() -> None:
    params = stage_params("leaky")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    image, text = (
        RowOutput.load(Path("data/embeddings") / params[chosen])
        for chosen in ("model", "text_model")
    )
    predictions = judge_leakily(table, image.full, text.full, params["leaky"], params["seed"])
    predictions.save(Path("data/predictions/leaky.npz"))


if __name__ == "__main__":
    run_stage("leaky", main)
