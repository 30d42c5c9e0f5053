"""Stage train_image: fit one image row and score all photos: `train_image cnn`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from src.core.listings import PREPARED, read_listings
from src.core.params import stage_params
from src.core.schema import TrainedImage
from src.core.timing import run_stage
from src.core.unfinished import unfinished
from src.encoders.image.train import train_image


def main(row: str) -> None:
    stage = f"train_image@{row}"
    params = stage_params(stage)
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    trainer, settings = params.pinned_trainer, params.image_models[row]
    # What is fitted in one step neither goes on after a kill nor has curves.
    in_epochs = isinstance(settings, TrainedImage)
    with unfinished(stage, shown=True) if in_epochs else nullcontext() as folder:
        train_image(
            table, row, settings, trainer, params.seed, Path("data"), params.repeats, folder
        )


if __name__ == "__main__":
    run_stage("train_image@{row}", main)
