"""Stage fuse: fit one head on the outputs of the two chosen models: `fuse stack`."""

from __future__ import annotations

from pathlib import Path

from src.core.listings import PREPARED, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.fusion.fuse import fuse_rounds


def main(row: str) -> None:
    params = stage_params(f"fuse@{row}")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    image, text = (Path("data/embeddings") / name for name in (params.model, params.text_model))
    fused = fuse_rounds(table, image, text, params.fusion[row], params.seed, params.repeats)
    fused.model.save(Path("data/checkpoints") / row)
    fused.predictions.save(Path("data/predictions") / f"{row}.npz")


if __name__ == "__main__":
    run_stage("fuse@{row}", main)
