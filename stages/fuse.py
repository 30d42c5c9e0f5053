"""Stage fuse: fit one head on what the two chosen models say: `fuse stack`."""

from __future__ import annotations

import sys
from pathlib import Path

from src.errors import run_stage
from src.fusion.fuse import fuse, read_scores
from src.fusion.predictions import Predictions
from src.listings import PREPARED, read_listings, splits
from src.models.store import save_fused
from src.params import stage_params


def main() -> None:
    row = sys.argv[1]
    params = stage_params(f"fuse@{row}")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    said = []
    for number, part in enumerate(splits(table)):
        image, text = (
            read_scores(Path("data/embeddings") / params[chosen], number)
            for chosen in ("model", "text_model")
        )
        spec = params["fusion"][row]
        fused = fuse(table.assign(part=part), image, text, spec, params["seed"])
        said.append(fused.predictions)
        if number == 0:
            save_fused(fused.model, fused.predictions.classes, Path("data/checkpoints") / row)
    Predictions.joined(said).save(Path("data/predictions") / f"{row}.npz")


if __name__ == "__main__":
    run_stage(main)
