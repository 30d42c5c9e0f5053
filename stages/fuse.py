"""Stage fuse: fit one head on what the two chosen models say: `fuse stack`."""

from __future__ import annotations

import sys
from pathlib import Path

from src.artifacts.outputs import RowOutput
from src.core.listings import PREPARED, cv_rounds, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.fusion.fuse import fuse
from src.fusion.fused import save_fused
from src.fusion.predictions import Predictions


def main() -> None:
    row = sys.argv[1]
    params = stage_params(f"fuse@{row}")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    said = []
    for number, split in enumerate(cv_rounds(table)):
        image, text = (
            RowOutput.load(Path("data/embeddings") / params[chosen], number)
            for chosen in ("model", "text_model")
        )
        spec = params["fusion"][row]
        fused = fuse(table.assign(split=split), image, text, spec, params["seed"])
        said.append(fused.predictions)
        if number == 0:
            save_fused(fused.model, fused.predictions.classes, Path("data/checkpoints") / row)
    Predictions.joined(said).save(Path("data/predictions") / f"{row}.npz")


if __name__ == "__main__":
    run_stage(f"fuse@{sys.argv[1]}", main)
