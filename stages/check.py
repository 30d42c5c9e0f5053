"""Stage check: refuse a params.yaml that cannot work before anything is computed."""

from __future__ import annotations

from pathlib import Path

from src.core.files import write_json
from src.core.params import all_params
from src.core.timing import run_stage
from src.fusion.heads import require_settings


def main() -> None:
    params = all_params()
    for row in params.rows.fused:
        fused = params.fusion[row]
        require_settings(f"fusion.{row}.settings", fused.head, fused.settings)
    require_settings("leaky.settings", "logreg", params.leaky.settings)
    # It never changes, so nothing that depends on it runs again.
    write_json(Path("data/checked.json"), {"checked": True})


if __name__ == "__main__":
    run_stage("check", main)
