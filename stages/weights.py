"""Stages weights_image and weights_text: the weights a row's network starts from: `image cnn`."""

from __future__ import annotations

from pathlib import Path

from src.core.params import stage_params
from src.core.timing import run_stage
from src.encoders.weights.fetch import fetch_weights


def main(kind: str, row: str) -> None:
    params = stage_params(f"weights_{kind}@{row}")
    entries = params.image_models if kind == "image" else params.text_models
    fetch_weights(kind, entries[row], Path("data/weights") / row)


if __name__ == "__main__":
    run_stage("weights_{kind}@{row}", main)
