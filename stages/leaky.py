"""Stage leaky: repeat the original work's mistake on purpose, to show where 0.99 comes from."""

from __future__ import annotations

from pathlib import Path

from src.artifacts.outputs import ModelOutput
from src.core.listings import PREPARED, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.fusion.leaky import fuse_leakily


def main() -> None:
    params = stage_params("leaky")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    # With rows of one kind there is one model to read.
    outputs = {
        name: ModelOutput.load(Path("data/embeddings") / row / "features.npz")
        for name, row in (("photo", params.model), ("text", params.text_model))
        if row
    }
    # The row whose name the leaky one carries, so that the two differ in the split alone.
    settings = params.fusion["logreg"]
    predictions = fuse_leakily(table, outputs, settings, params.leaky.share, params.seed)
    predictions.save(Path("data/predictions/leaky.npz"))


if __name__ == "__main__":
    run_stage("leaky", main)
