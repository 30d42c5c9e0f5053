"""Stage check: refuse a params.yaml that cannot work before anything is computed."""

from __future__ import annotations

from pathlib import Path

from src.core.files import write_json
from src.core.params import all_params
from src.core.schema import Params
from src.core.timing import run_stage
from src.fusion.heads import require_settings


def main() -> None:
    params = all_params()
    check(params)
    for row in params.rows.image:
        if (pixels := params.image_models[row].pixels) > params.pack.pixels:
            print(
                f"{row} reads photos of {pixels} px, and pack.pixels is {params.pack.pixels}: they "
                "will be enlarged, not read anew"
            )
    # It never changes, so nothing that depends on it runs again.
    write_json(Path("data/checked.json"), {"checked": True})


def check(params: Params) -> None:
    """Refuse what the schema cannot know: values that scikit-learn's classifiers do not take."""
    for row, fused in params.fusion.items():
        require_settings(f"fusion.{row}.settings", fused.head, fused.settings)
        for name, values in fused.grid.items():
            for value in values:
                settings = fused.settings | {name: value}
                require_settings(f"fusion.{row}.grid.{name}: settings", fused.head, settings)


if __name__ == "__main__":
    run_stage("check", main)
