"""Stage weights_text: the weights that a row's network starts from: `weights_text use`."""

from __future__ import annotations

from pathlib import Path

from src.core.params import stage_params
from src.core.timing import run_stage
from src.encoders.weights.fetch import fetch_weights


def main(row: str) -> None:
    params = stage_params(f"weights_text@{row}")
    fetch_weights("text", params.text_models[row], Path("data/weights") / row)


if __name__ == "__main__":
    run_stage("weights_text@{row}", main)
