"""Stage bundle: gather what a prediction needs of the chosen models into data/bundle."""

from __future__ import annotations

from pathlib import Path

from src.core.params import stage_params
from src.core.timing import run_stage
from src.predict.bundle import write_bundle


def main() -> None:
    write_bundle(Path("data"), stage_params("bundle"), Path("data/bundle"))


if __name__ == "__main__":
    run_stage("bundle", main)
