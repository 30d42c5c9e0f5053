"""The same for a job on Ray: `python -m src.predict tables --engine ray`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

from benchmarks.faults.kinds import Drill, Missed, Skipped
from benchmarks.faults.project import Project, wait_for
from benchmarks.on_ray import busy_workers

TARGET = "predict on Ray"
_TABLES = 8
COMMAND = [
    sys.executable, "-m", "src.predict", *(f"tables/{number}.parquet" for number in range(_TABLES)),
    "--bundle", "data/bundle", "--out", "data/predicted", "--engine", "ray", "--workers", "2",
]  # fmt: skip
# What the job takes from the first worker's start on.
_SECONDS = 6.0


def predict_undisturbed(project: Project) -> None:
    """Cut the listings into tables and predict them, where the project can do so on Ray."""
    if "--engine" not in project.run(sys.executable, "-m", "src.predict", "--help")[1]:
        return
    import pandas as pd

    listings = pd.read_parquet(project.folder / "data/raw/listings.parquet")
    listings = listings[["id", "title", "text", "price"]].rename(columns={"text": "description"})
    tables = project.folder / "tables"
    tables.mkdir()
    for number in range(_TABLES):
        part = listings.iloc[number::_TABLES]
        part.to_parquet(tables / f"{number}.parquet", index=False)
    project.must(*COMMAND)
    project.expected = project.outputs()
    project.seconds[TARGET] = _SECONDS


def kill_driver(drill: Drill, target: str, env: dict[str, str]) -> str:
    """The command itself dies in the middle of the job."""
    driver, _ = _started(drill, env)
    driver.kill()
    return drill.project.end(driver)


def kill_worker(drill: Drill, target: str, env: dict[str, str]) -> str:
    """A process that predicts dies; the job goes on."""
    driver, workers = _started(drill, env)
    try:
        os.kill(drill.moments.choice(workers), signal.SIGKILL)
    except (ProcessLookupError, IndexError):
        drill.project.end(driver)
        raise Missed from None
    return drill.project.end(driver)


def _started(drill: Drill, env: dict[str, str]) -> tuple[subprocess.Popen[bytes], list[int]]:
    """Start the job and wait for its workers, then for a random moment."""
    out = drill.project.folder / "data/predicted"
    if not out.exists():
        raise Skipped("this version of src.predict has no --engine")
    shutil.rmtree(out)
    driver = drill.project.start(*COMMAND, **env)
    wait_for(lambda: busy_workers(driver.pid) or None, driver)
    time.sleep(drill.moments.uniform(0, drill.longest(TARGET)))
    if driver.poll() is not None:
        raise Missed
    return driver, busy_workers(driver.pid)
