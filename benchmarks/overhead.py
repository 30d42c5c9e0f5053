"""What `dvc repro` costs beside the work: a demo with next to none of it, now and as it was.

python -m benchmarks.overhead [--quick] [--before REVISION]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from dvc.utils.serialize import modify_yaml

from benchmarks.lines import Line, table

ROOT = Path(__file__).parents[1]
BEFORE = "7d2e694"
# A row or two of each kind, and so little of everything that starting is most of it.
SMALL = {
    "rows.image": ["cnn", "efficientnet"],
    "rows.text": ["tfidf"],
    "rows.fused": ["logreg", "stack"],
    "text_model": "tfidf",
    "collect.demo.listings": 120,
    "collect.demo.photo_size": 64,
    "pack.pixels": 64,
    "prepare.min_per_category": 2,
    "image_models.cnn.epochs": 1,
    "image_models.cnn.pixels": 32,
    "image_models.efficientnet.pixels": 64,
    "text_models.tfidf.folds": 2,
}


class Repo:
    """A state of this repository with a small demo, driven from the command line."""

    def __init__(self, folder: Path) -> None:
        """Take a folder with the repository's files."""
        self.folder = folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_"))}
        self.env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.seconds("git", "init", "-q")
        (folder / "dvc.lock").unlink()
        with modify_yaml(str(folder / "params.yaml")) as params:
            for name, value in SMALL.items():
                *sections, last = name.split(".")
                section = params
                for key in sections:
                    section = section[key]
                # As the keys were called before.
                section["size" if last == "pixels" and "size" in section else last] = value

    def seconds(self, *command: str) -> float:
        began = time.perf_counter()
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout[-500:]}{done.stderr[-2000:]}")
        return time.perf_counter() - began


def run(quick: bool, before: str = BEFORE) -> list[Line]:
    """Compare all stages; in the quick form those that lead to the split."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        now, then = Repo(files_now(folder / "now")), Repo(files_of(before, folder / "then"))
        without_c_parser(then, folder / "stand-in")
        # What both import comes from the disk into memory first.
        now.seconds("python", "-c", "import dvc.api, lightning, timm, transformers, mlflow, skops")
        repro = ["dvc", "repro", *(["prepare"] if quick else [])]
        first = [(now.seconds(*repro), then.seconds(*repro))]
        again, version = [], []
        for _ in range(1 if quick else 3):
            again.append((now.seconds(*repro), then.seconds(*repro)))
            version.append((again[-1][0], now.seconds("dvc", "--version")))
        stages = len(list((now.folder / "data" / "times").iterdir()))
    same = f"`dvc repro`, {stages} stages up to date"
    return [
        faster(f"`dvc repro`, {stages} stages with little to do", first, before),
        faster(same, again, before),
        times_of_version(f"{same}, over `dvc --version`", version),
    ]


def faster(name: str, times: list[tuple[float, float]], before: str) -> Line:
    """A line of seconds now and before."""
    ratios = [plain / ours for ours, plain in times]
    ours, plain = (median(side) for side in zip(*times, strict=True))
    spread = (min(ratios), max(ratios)) if len(ratios) > 1 else None
    met = median(ratios) > 1
    note = f"plain: the same at {before}"
    return Line(name, ours, plain, median(ratios), spread, "less than before", met, note=note)


def times_of_version(name: str, times: list[tuple[float, float]]) -> Line:
    """A line of seconds of a repro and of `dvc --version`, of which nothing is asked."""
    ratios = [ours / plain for ours, plain in times]
    ours, plain = (median(side) for side in zip(*times, strict=True))
    note = "ratio: ours over `dvc --version`, which reads no file"
    return Line(name, ours, plain, median(ratios), (min(ratios), max(ratios)), note=note)


def files_now(folder: Path) -> Path:
    """Copy the files that git has or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def files_of(commit: str, folder: Path) -> Path:
    archive = folder.with_suffix(".tar")
    subprocess.run(["git", "archive", "-o", str(archive), commit], cwd=ROOT, check=True)
    shutil.unpack_archive(archive, folder)
    return folder


def without_c_parser(repo: Repo, folder: Path) -> None:
    """Take from DVC the parser in C that requirements.txt did not have then."""
    folder.mkdir()
    (folder / "_ruamel_yaml.py").write_text("raise ModuleNotFoundError\n")
    repo.env["PYTHONPATH"] = str(folder)


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--before", default=BEFORE, help="the commit to compare with")
    given = arguments.parse_args()
    print(table(run(given.quick, given.before)))


if __name__ == "__main__":
    main()
