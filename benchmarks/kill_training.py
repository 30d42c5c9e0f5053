"""Kills a training stage at random moments: are its files those of an unbroken run?

    python -m benchmarks.kill_training --row cnn --kills 10

A small demo is collected once. The row is then trained twice: unbroken, and killed (SIGKILL) at a
random moment of its fits, started again, and so on. Every file is compared, and the runs in MLflow
are counted.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.small_demo import make_small_demo

EPOCHS = 16
# The longest time from a stage's first step to its kill.
LONGEST_S = 2.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--row", default="cnn", help="an image row that is trained in epochs")
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--listings", type=int, default=240)
    options.add_argument("--seed", type=int, help="of the moments; by default others each time")
    given = options.parse_args()
    with TemporaryDirectory() as folder:
        unbroken, broken = Path(folder) / "unbroken", Path(folder) / "broken"
        # Folds, so that some fits are done when others are killed.
        changes = {"folds": 2, "epochs": EPOCHS, "patience": EPOCHS}
        make_small_demo(unbroken, given.listings, given.row, changes, {})
        shutil.copytree(unbroken, broken)
        started = time.perf_counter()
        finish(unbroken, given.row)
        print(f"unbroken: {time.perf_counter() - started:.0f} s", flush=True)
        started, moments = time.perf_counter(), random.Random(given.seed)
        kills = sum(killed(broken, given.row, moments) for _ in range(given.kills))
        finish(broken, given.row)
        print(f"killed {kills} times: {time.perf_counter() - started:.0f} s", flush=True)
        expected, found = outputs(unbroken), outputs(broken)
        equal = sum(found.get(name) == content for name, content in expected.items())
        print(f"{equal} of {len(expected)} files are equal")
        print(f"MLflow: {runs(broken)}; left: {left(broken) or 'nothing'}")
        sys.exit(0 if found == expected else 1)


def start(folder: Path, row: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "stages.train_image", row], cwd=folder)


def finish(folder: Path, row: str) -> None:
    """Run the stage to its end."""
    if start(folder, row).wait():
        sys.exit("the training failed")


def killed(folder: Path, row: str, moments: random.Random) -> bool:
    """Kill the stage some time after its next step; say whether that came before its end."""
    before, stage = lines(folder), start(folder, row)
    while stage.poll() is None and lines(folder) == before:
        time.sleep(0.01)
    time.sleep(moments.uniform(0, LONGEST_S))
    was_alive = stage.poll() is None
    stage.kill()
    stage.wait()
    return was_alive


def lines(folder: Path) -> int:
    """Return how many bytes the fits have written of their curves."""
    return sum(file.stat().st_size for file in folder.glob("data/unfinished/*/live.jsonl"))


def outputs(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for output in ("embeddings", "checkpoints")
        for file in sorted((folder / "data" / output).rglob("*"))
        if file.is_file()
    }


def runs(folder: Path) -> str:
    """Say how many runs MLflow has and how many of their points it has twice."""
    from src.predict.mlflow_store import configure_mlflow

    configure_mlflow()
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlruns.db")
    found = client.search_runs([one.experiment_id for one in client.search_experiments()])
    points = Counter(
        (run.info.run_id, name, point.step)
        for run in found
        for name in run.data.metrics
        for point in client.get_metric_history(run.info.run_id, name)
    )
    doubled = sum(n > 1 for n in points.values())
    states = ", ".join(run.info.status for run in found)
    return f"{len(found)} run ({states}), {len(points)} points, {doubled} of them twice"


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("data/unfinished/*")]


if __name__ == "__main__":
    main()
