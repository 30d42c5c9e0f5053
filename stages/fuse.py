"""Stage fuse: fit one head on what the two chosen models say: `fuse stack`."""

from __future__ import annotations

import sys
from pathlib import Path

from src.errors import run_stage
from src.fusion.fuse import fuse, read_scores
from src.listings import PREPARED, read_listings
from src.models.store import save_fused
from src.params import stage_params


def main() -> None:
    row = sys.argv[1]
    params = stage_params(f"fuse@{row}")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    image, text = (
        read_scores(Path("data/embeddings") / params[chosen]) for chosen in ("model", "text_model")
    )
    fused = fuse(table, image, text, params["fusion"][row], params["seed"])
    fused.predictions.save(Path("data/predictions") / f"{row}.npz")
    save_fused(fused.model, fused.predictions.classes, Path("data/checkpoints") / row)


if __name__ == "__main__":
    run_stage(main)
