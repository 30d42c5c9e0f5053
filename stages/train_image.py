"""Stage train_image: fit one image row and embed all photos: `train_image cnn`."""

from __future__ import annotations

import sys
from pathlib import Path

from src.core.listings import PREPARED, labels_of, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.encoders.common.network import NetworkEncoder
from src.encoders.common.row import train_row
from src.encoders.image.data import ImageData


def main() -> None:
    row = sys.argv[1]
    params = stage_params(f"train_image@{row}")
    spec, seed = params["image_models"][row], params["seed"]
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    classes, labels = labels_of(table)

    photos = ImageData(table, Path("data/packed"), Path("data/weights") / row, spec)
    encoder = NetworkEncoder(photos, labels, len(classes), spec, params["trainer"], seed, row)
    # What was used is filled in while it is fitted.
    about = photos.about() | {"used": encoder.used}
    train_row(encoder, table, row, spec["folds"], seed, about)


if __name__ == "__main__":
    run_stage(f"train_image@{sys.argv[1]}", main)
