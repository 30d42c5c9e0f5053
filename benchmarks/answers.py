"""What an answer costs, from the command line: one listing cold, and a table of many.

    python -m benchmarks.answers listings.csv --photos images --bundle data/bundle

The first listing of the table that has a photo is asked about alone, by its text and with its
photo, in new processes; then the table's first rows together. Beside the seconds stands the
processor time, which other jobs on the machine do not change much. `--code FOLDER` measures
another state of this repository, with a bundle of its own.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pandas as pd


def main() -> None:
    parser = ArgumentParser(prog="python -m benchmarks.answers", description=__doc__)
    parser.add_argument("table", type=Path, help="CSV with title, description, price, image")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=Path("data/bundle"))
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--code", type=Path, default=Path(__file__).parents[1])
    given = parser.parse_args()
    listings = pd.read_csv(given.table, dtype=str, keep_default_na=False)
    listings = listings[listings["image"] != ""].head(given.rows)
    first = listings.iloc[0]
    about = ["--title", first["title"], "--text", first["description"], "--price", first["price"]]
    photo = ["--photo", str(given.photos.resolve() / first["image"])]
    with TemporaryDirectory() as folder:
        table = Path(folder) / "listings.csv"
        listings.to_csv(table, index=False)
        many = [str(table), "--photos", str(given.photos.resolve()), "--out", f"{folder}/out.csv"]
        asked = {
            "one answer, text": (about, given.rounds),
            "one answer, text and photo": ([*about, *photo], given.rounds),
            f"{len(listings)} answers with photos": (many, 1),
        }
        print("| what | seconds | processor seconds, user and system |\n| --- | --- | --- |")
        for what, (options, rounds) in asked.items():
            runs = [timed(options, given.bundle.resolve(), given.code) for _ in range(rounds)]
            wall, user, system = (median(found) for found in zip(*runs, strict=True))
            print(f"| {what} | {wall:.1f} | {user:.1f} + {system:.1f} |", flush=True)


def timed(options: list[str], bundle: Path, code: Path) -> tuple[float, float, float]:
    """Return the seconds, and those of user and system, of one call of `src.predict`."""
    command = [sys.executable, "-m", "src.predict", *options, "--bundle", str(bundle)]
    # The code of that folder, and no other that is on the way to modules.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=code, env=env, check=True, capture_output=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime


if __name__ == "__main__":
    main()
