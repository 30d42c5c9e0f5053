"""Stage collect: listings from the demo, or from the user's table, into data/raw."""

from __future__ import annotations

from pathlib import Path

from src.collect.run import collect
from src.errors import run_stage
from src.params import stage_params


def main() -> None:
    collect(stage_params("collect"), Path("data/raw"))


if __name__ == "__main__":
    run_stage(main)
