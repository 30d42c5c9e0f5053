"""Stage weights_image: the weights that a row's network starts from: `weights_image cnn`."""

from __future__ import annotations

from pathlib import Path

from src.core.params import stage_params
from src.core.timing import run_stage
from src.encoders.image.convert import convert_frozen
from src.encoders.weights.fetch import fetch_weights


def main(row: str) -> None:
    params, out = stage_params(f"weights_image@{row}"), Path("data/weights") / row
    fetch_weights("image", params.image_models[row], out)
    convert_frozen(params.image_models[row], out, params.pack.pixels)


if __name__ == "__main__":
    run_stage("weights_image@{row}", main)
