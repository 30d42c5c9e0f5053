"""Stage pack: decode every photo once into one array."""

from __future__ import annotations

from pathlib import Path

from src.core.listings import RAW, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.prepare.pack import pack_photos


def main() -> None:
    params = stage_params("pack")
    table = read_listings(Path("data/raw/listings.parquet"), RAW)
    photos, out = Path("data/raw/photos"), Path("data/packed")
    pack_photos(table, photos, out, params.pack.pixels, params.trainer.engine)


if __name__ == "__main__":
    run_stage("pack", main)
