"""Stage check: refuse a params.yaml that cannot work before anything is computed."""

from __future__ import annotations

from pathlib import Path

from src.core.files import write_json
from src.core.params import all_params
from src.core.timing import run_stage


def main() -> None:
    all_params()
    # It never changes, so nothing that depends on it runs again.
    write_json(Path("data/checked.json"), {"checked": True})


if __name__ == "__main__":
    run_stage("check", main)
