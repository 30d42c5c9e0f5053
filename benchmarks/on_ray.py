"""Predictions for many tables on Ray, against the plain way on the same cores, and through kills.

    python -m benchmarks.on_ray --bundle data/bundle --ads 200000 --photos 20000
    python -m benchmarks.on_ray --bundle data/bundle --ads 1000000 --photos 0 --only growth

Ads are the demo's texts; those with a photo name one of 2,000 drawn files of 640 pixels. `rate`:
the plain way, and Ray with two workers of one thread each: seconds with all that starts and loads,
memory of all processes, and how far the answers differ. `kills`: the same job once more, whose
driver and workers are killed at random moments. `growth`: time and memory as the job goes on.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.made_photos import make_photos
from src.collect.demo.market import Market
from src.core.params import all_params

DISTINCT_TEXTS, DISTINCT_PHOTOS, PHOTO_SIZE = 20_000, 2_000, 640
PAUSE_S = 1.0
PARTS = ("rate", "kills", "growth")
HEADER = "| what | seconds | ads a second | peak MB, all processes | MB, largest process |"

GROWTH_HEADER = "\n| ads done | seconds | MB, all processes | MB, largest process |"


class Sample(NamedTuple):
    """At some second of a job: tables done, memory of all its processes and of the largest."""

    second: float
    done: int
    all_mb: float
    largest_mb: float


class Work(NamedTuple):
    """What is predicted: tables in a folder beside their photos, the bundle, the workers."""

    folder: Path
    tables: int
    ads: int
    bundle: Path
    workers: int

    def command(self, out: Path, engine: str) -> list[str]:
        given = [str(self.folder / "*.parquet"), "--bundle", str(self.bundle), "--out", str(out)]
        on_ray = ["--engine", "ray", "--workers", str(self.workers)] if engine == "ray" else []
        return [sys.executable, "-m", "src.predict", *given, *on_ray]


def main() -> None:
    parser = ArgumentParser(prog="python -m benchmarks.on_ray", description=__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("data/bundle"))
    parser.add_argument("--ads", type=int, default=200_000)
    parser.add_argument("--photos", type=int, default=20_000, help="ads that have one")
    parser.add_argument("--tables", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--driver-kills", type=int, default=5)
    parser.add_argument("--worker-kills", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=["rate", "kills"])
    given = parser.parse_args()
    with TemporaryDirectory(prefix="on-ray-") as name:
        folder = Path(name)
        write_ads(folder / "ads", given.ads, given.photos, given.tables)
        bundle = given.bundle.resolve()
        work = Work(folder / "ads", given.tables, given.ads, bundle, given.workers)
        print(HEADER, "| --- | --- | --- | --- | --- |", sep="\n", flush=True)
        samples = show("Ray", work, folder / "ray", "ray")
        if "growth" in given.only:
            growth(samples, work)
        if "rate" in given.only:
            show("plain", work, folder / "plain", "plain")
            compare(folder / "plain", folder / "ray")
        if "kills" in given.only:
            drill(work, folder / "killed", given.worker_kills, given.driver_kills)
            compare(folder / "ray", folder / "killed")


def write_ads(folder: Path, ads: int, photos: int, tables: int) -> None:
    """Write tables of equal length, and the photos that some of their ads name."""
    drawn = make_photos(folder, DISTINCT_PHOTOS, PHOTO_SIZE) if photos else []
    names = [path.name for path in drawn]
    folder.mkdir(exist_ok=True)
    demo = all_params().collect.demo.model_copy(update={"listings": DISTINCT_TEXTS})
    market = Market(demo, 7)
    facts = [(one, market.text(one.index)) for one in market.facts]
    with_photo = set(random.Random(7).sample(range(ads), photos))
    for table, numbers in enumerate(np.array_split(np.arange(ads), tables)):
        rows = []
        for n in numbers.tolist():
            about, text = facts[n % len(facts)]
            photo = names[n % len(names)] if n in with_photo else None
            rows.append((f"a{n:07}", text.title, f"{text.body} {n}", about.price, photo))
        columns = ["id", "title", "description", "price", "image"]
        some = pd.DataFrame(rows, columns=columns).astype({"image": "str"})
        some.to_parquet(folder / f"part-{table:05}.parquet")


def show(what: str, work: Work, out: Path, engine: str) -> list[Sample]:
    """Run the whole job, print a line, return samples of each second."""
    samples = list(run(work, out, engine))
    seconds = samples[-1].second
    print(
        f"| {what} | {seconds:.0f} | {work.ads / seconds:,.0f} | "
        f"{max(one.all_mb for one in samples):,.0f} | "
        f"{max(one.largest_mb for one in samples):,.0f} |",
        flush=True,
    )
    return samples


def growth(samples: list[Sample], work: Work) -> None:
    """Print time and memory at each tenth of the job."""
    print(GROWTH_HEADER, "| --- | --- | --- | --- |", sep="\n")
    for tenth in range(1, 11):
        there = next(one for one in samples if one.done >= tenth * work.tables // 10)
        print(
            f"| {work.ads * there.done // work.tables:,} | {there.second:.0f} | "
            f"{there.all_mb:,.0f} | {there.largest_mb:,.0f} |"
        )


def run(
    work: Work, out: Path, engine: str, kill: Callable[[int, int], bool] | None = None
) -> Iterator[Sample]:
    """Run a job and yield samples.

    Args:
        kill: called between samples with the driver's number and the number of tables done;
            returns whether it has killed the driver.

    Raises:
        RuntimeError: the job failed.
    """
    began = time.monotonic()
    with TemporaryDirectory(prefix="on-ray-") as folder, (Path(folder) / "said").open("w+") as said:
        driver = subprocess.Popen(work.command(out, engine), stdout=said, stderr=said)
        while driver.poll() is None:
            sizes = [megabytes(process) for process in (driver.pid, *below(driver.pid))]
            done = len(list(out.glob("*.parquet")))
            yield Sample(time.monotonic() - began, done, sum(sizes), max(sizes))
            time.sleep(PAUSE_S)
            if kill and kill(driver.pid, done):
                driver.wait()
                return
        if driver.returncode:
            said.seek(0)
            raise RuntimeError(said.read()[-2000:])
    yield Sample(time.monotonic() - began, work.tables, sum(sizes), max(sizes))


class Killer:
    """Kills workers and drivers, each some seconds after a number of tables is done."""

    def __init__(self, workers: int, drivers: int, tables: int) -> None:
        self.chance = random.Random(7)
        self.waiting = ["worker"] * workers + ["driver"] * drivers
        self.chance.shuffle(self.waiting)
        self.after = sorted(self.chance.sample(range(tables - 1), len(self.waiting)))
        self.killed = dict.fromkeys(("worker", "driver"), 0)

    def __call__(self, driver: int, done: int) -> bool:
        if not self.waiting or done < self.after[0]:
            return False
        time.sleep(self.chance.uniform(0, 3))
        target = self.waiting[0]
        victims = [driver] if target == "driver" else busy_workers(driver)
        if not victims:
            return False
        os.kill(self.chance.choice(victims), signal.SIGKILL)
        self.killed[target] += 1
        del self.waiting[0], self.after[0]
        return target == "driver"


def drill(work: Work, out: Path, workers: int, drivers: int) -> None:
    """Run the job until it is done, whatever is killed on the way; print what was."""
    killer = Killer(workers, drivers, work.tables)
    began, runs, done = time.monotonic(), 0, 0
    while done < work.tables:
        done = [*run(work, out, "ray", killer)][-1].done
        runs += 1
    print(
        f"killed: {killer.killed['driver']} drivers, {killer.killed['worker']} workers; "
        f"{runs} runs, {time.monotonic() - began:.0f} s"
    )


def compare(one: Path, other: Path) -> None:
    """Print whether two folders hold the same results; raises ValueError if answers differ."""
    names = [sorted(path.name for path in folder.iterdir()) for folder in (one, other)]
    if names[0] != names[1]:
        raise ValueError(f"{one} and {other} hold other files")
    same = sum((one / name).read_bytes() == (other / name).read_bytes() for name in names[0])
    largest = 0.0
    for name in names[0]:
        if name.endswith(".parquet"):
            tables = [pd.read_parquet(folder / name) for folder in (one, other)]
            texts, probs = zip(*map(_parts, tables), strict=True)
            pd.testing.assert_frame_equal(*texts)
            largest = max(largest, float(np.nanmax(np.abs(probs[0] - probs[1]), initial=0)))
    if largest > 1e-6:
        raise ValueError(f"{one.name} and {other.name} differ by {largest:.2g}")
    print(f"{one.name} and {other.name}: {same} of {len(names[0])} files have the same bytes, "
          f"probabilities differ by at most {largest:.2g}", flush=True)  # fmt: skip


def _parts(table: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    numbers = table.select_dtypes("number")
    return table.drop(columns=numbers.columns), numbers.to_numpy(float)


def below(process: int) -> Iterator[int]:
    """Yield the numbers of the processes that one has started, and of those that they have."""
    try:
        found = Path(f"/proc/{process}/task").glob("*/children")
        children = [int(child) for task in found for child in task.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return  # it has ended
    for child in children:
        yield child
        yield from below(child)


def busy_workers(driver: int) -> list[int]:
    """Return the processes of a driver's Ray that have work; Ray renames them so."""
    return [process for process in below(driver) if _read(process, "cmdline")[:10] == "ray::_work"]


def megabytes(process: int) -> float:
    """Return the memory of a process, its share of what several use; 0 if it has ended."""
    lines = _read(process, "smaps_rollup").splitlines()
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def _read(process: int, name: str) -> str:
    try:
        return Path(f"/proc/{process}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


if __name__ == "__main__":
    main()
