"""Stage train_image: fit one image row and embed all photos: `train_image cnn`."""

from __future__ import annotations

import sys
from pathlib import Path

from src.errors import run_stage
from src.listings import PREPARED, read_listings
from src.models.image.data import Photos
from src.models.network import NetworkEncoder
from src.models.row import train_row
from src.models.train import labels_of
from src.params import stage_params


def main() -> None:
    row = sys.argv[1]
    params = stage_params(f"train_image@{row}")
    spec, seed = params["image_models"][row], params["seed"]
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    classes, labels = labels_of(table)

    photos = Photos(table, Path("data/packed"), Path("data/weights") / row, spec)
    encoder = NetworkEncoder(photos, labels, len(classes), spec, params["trainer"], seed, row)
    # What was used is filled in while it is fitted.
    about = photos.about() | {"used": encoder.used}
    train_row(encoder, table, row, spec["folds"], seed, about)


if __name__ == "__main__":
    run_stage(main)
