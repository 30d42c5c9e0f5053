"""Stage bundle: gather what a prediction needs of the chosen models into data/bundle."""

from __future__ import annotations

from pathlib import Path

from src.core.params import stage_params
from src.core.timing import run_stage
from src.predict.bundle import write_bundle


def main() -> None:
    params = stage_params("bundle")
    write_bundle(
        Path("data"),
        Path("data/bundle"),
        image_row=params.model,
        text_row=params.text_model,
        fused_row=params.fused_model,
        fused_model=params.fusion.get(params.fused_model),
        photo_pixels=params.pack.pixels,
        columns=params.collect.table.columns,
    )


if __name__ == "__main__":
    run_stage("bundle", main)
