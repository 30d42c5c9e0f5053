"""Stage pack: decode every photo once into one array."""

from __future__ import annotations

from pathlib import Path

from src.errors import run_stage
from src.listings import RAW, read_listings
from src.params import stage_params
from src.prepare.photos import pack_photos


def main() -> None:
    params = stage_params("pack")
    table = read_listings(Path("data/raw/listings.parquet"), RAW)
    pack_photos(table, Path("data/raw/photos"), Path("data/packed"), params["pack"]["size"])


if __name__ == "__main__":
    run_stage(main)
