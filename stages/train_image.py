"""Stage train_image: fit one image row and score all photos: `train_image cnn`."""

from __future__ import annotations

from pathlib import Path

from src.core.listings import PREPARED, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.encoders.image.train import train_image


def main(row: str) -> None:
    params = stage_params(f"train_image@{row}")
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    settings = params.image_models[row]
    train_image(table, row, settings, params.trainer, params.seed, Path("data"), params.repeats)


if __name__ == "__main__":
    run_stage("train_image@{row}", main)
