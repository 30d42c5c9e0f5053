"""What an answer costs from the command line: one listing cold, and tables of any length.

    python -m benchmarks.answers listings.csv --photos images --bundle data/bundle

The first listing of the table that has a photo is asked about alone, by its text and with its
photo, in new processes; then tables of the listings with photos, and of texts, which repeat the
table's where they have more rows. Beside the seconds stands the processor time, which other jobs on
the machine do not change much. `--code FOLDER` measures another state of this repository, with a
bundle of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

HEADER = """\
| what | seconds | processor seconds, user and system | a second | peak MB |
| --- | --- | --- | --- | --- |"""


class Timed(NamedTuple):
    """Of one call of `src.predict`: seconds, those of user and system, and its peak memory."""

    wall: float
    user: float
    system: float
    mb: float


def main() -> None:
    parser = ArgumentParser(prog="python -m benchmarks.answers", description=__doc__)
    parser.add_argument("table", type=Path, help="CSV with title, description, price, image")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=Path("data/bundle"))
    parser.add_argument("--with-photos", type=int, nargs="*", default=[1000], metavar="ROWS")
    parser.add_argument("--texts", type=int, nargs="*", default=[1000, 5000, 20_000])
    parser.add_argument("--rounds", type=int, default=3, help="of one answer")
    parser.add_argument("--code", type=Path, default=Path(__file__).parents[1])
    given = parser.parse_args()
    photos, bundle = given.photos.resolve(), given.bundle.resolve()
    listings = pd.read_csv(given.table, dtype=str, keep_default_na=False)
    pictured = listings[listings["image"] != ""]
    first = pictured.iloc[0]
    about = ["--title", first["title"], "--text", first["description"], "--price", first["price"]]
    photo = ["--photo", str(photos / first["image"])]
    print(HEADER)
    for what, options in (("text", about), ("text and photo", [*about, *photo])):
        runs = [timed(options, bundle, given.code) for _ in range(given.rounds)]
        show(f"one answer, {what}", 1, Timed(*map(median, zip(*runs, strict=True))))
    with TemporaryDirectory() as folder:
        table = Path(folder) / "listings.csv"
        many = [str(table), "--photos", str(photos), "--out", f"{folder}/out.csv"]
        for rows in given.with_photos:
            repeated(pictured, rows).to_csv(table, index=False)
            show(f"{rows:,} answers with photos", rows, timed(many, bundle, given.code))
        for rows in given.texts:
            repeated(listings, rows).assign(image="").to_csv(table, index=False)
            show(f"{rows:,} answers, text", rows, timed(many, bundle, given.code))


def repeated(listings: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Return so many rows of a table, from its beginning again where it ends."""
    return listings.iloc[[row % len(listings) for row in range(rows)]]


def show(what: str, answers: int, took: Timed) -> None:
    wall, user, system, mb = took
    rate = f"{answers / wall:.3g}"
    print(f"| {what} | {wall:.1f} | {user:.1f} + {system:.1f} | {rate} | {mb:.0f} |", flush=True)


def timed(options: list[str], bundle: Path, code: Path) -> Timed:
    """Time one call of `src.predict`; raises RuntimeError with its last line if it fails."""
    command = [sys.executable, "-m", "src.predict", *options, "--bundle", str(bundle)]
    # The code of that folder, and no other that is on the way to modules.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with TemporaryDirectory() as folder, (Path(folder) / "said").open("w+") as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=code, env=env, stdout=said, stderr=said)
        # Of this process alone, where `getrusage` would give the peak of all before.
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        if status:
            said.seek(0)
            raise RuntimeError(said.read().strip().splitlines()[-1])
    return Timed(wall, used.ru_utime, used.ru_stime, used.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
