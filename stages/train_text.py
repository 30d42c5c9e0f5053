"""Stage train_text: fit one text row and score all texts: `train_text tfidf`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from src.core.listings import PREPARED, read_listings
from src.core.params import stage_params
from src.core.schema import TrainedText
from src.core.timing import run_stage
from src.core.unfinished import unfinished
from src.encoders.text.train import train_text


def main(row: str) -> None:
    stage = f"train_text@{row}"
    params = stage_params(stage)
    table = read_listings(Path("data/prepared/listings.parquet"), PREPARED)
    trainer, settings = params.pinned_trainer, params.text_models[row]
    # What is fitted in one step neither goes on after a kill nor has curves.
    in_epochs = isinstance(settings, TrainedText)
    with unfinished(stage, shown=True) if in_epochs else nullcontext() as folder:
        train_text(table, row, settings, trainer, params.seed, Path("data"), params.repeats, folder)


if __name__ == "__main__":
    run_stage("train_text@{row}", main)
