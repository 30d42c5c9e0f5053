"""Stage prepare: clean texts, group near-duplicates, split, put labels right."""

from __future__ import annotations

from pathlib import Path

from src.core.files import write_json
from src.core.listings import PREPARED, RAW, read_listings, write_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.prepare.corrections import read_corrections_folder
from src.prepare.pack import INDEX
from src.prepare.prepare import prepare

OUT = Path("data/prepared")


def main() -> None:
    params = stage_params("prepare")
    raw = read_listings(Path("data/raw/listings.parquet"), RAW)
    index = read_listings(Path("data/packed/index.parquet"), INDEX)
    corrections = read_corrections_folder(Path(params.prepare.corrections))
    table, notes = prepare(raw, index, params.prepare, params.seed, corrections)
    for sentence in notes["corrections"]["said"]:
        print(sentence)
    write_listings(table, OUT / "listings.parquet", PREPARED)
    write_json(OUT / "notes.json", notes)


if __name__ == "__main__":
    run_stage("prepare", main)
