"""A copy of the project with a small demo and one row of each kind, for runs that are compared."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


def make_small_demo(
    folder: Path, listings: int, image_row: str, image: dict[str, Any], text: dict[str, Any]
) -> None:
    """Copy the code to `folder` and compute what training reads; arguments as `copy_project`."""
    copy_project(folder, listings, [image_row], image, text)
    stages = ["check", "collect", "pack", "prepare", f"weights_image {image_row}"]
    for stage in (*stages, "weights_text tfidf", "tokenize tfidf"):
        run_stage(folder, stage)


def copy_project(
    folder: Path, listings: int, image_rows: list[str], image: dict[str, Any], text: dict[str, Any]
) -> None:
    """Copy the code to `folder` with params.yaml of a small demo.

    Args:
        listings: how many the demo has.
        image_rows: the rows of photos; the fused row reads the first.
        image, text: changes of the entries of the first image row and of tfidf.
    """
    folder.mkdir()
    for name in ("src", "stages", "dvc.yaml", "params.yaml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    params["collect"]["demo"] |= {"listings": listings, "photo_size": 160}
    params["prepare"]["min_per_category"] = 4
    params["rows"] = {"image": image_rows, "text": ["tfidf"], "fused": ["stack"]}
    params |= {"model": image_rows[0], "text_model": "tfidf"}
    params["image_models"][image_rows[0]] |= image
    params["text_models"]["tfidf"] |= text
    yaml.dump(params, folder / "params.yaml")


def run_stage(folder: Path, stage: str, prefix: list[str] | None = None) -> None:
    """Run a stage, such as `tokenize tfidf`, by a command with a prefix; end where it fails."""
    # The interpreter itself, for qemu does not read the script that may stand for it.
    module, *arguments = stage.split()
    command = [*(prefix or []), sys.executable, "-m", f"stages.{module}", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr[-2000:]}")
