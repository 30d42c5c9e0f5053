"""Near-duplicates of Parquet files on one machine's memory, and in parts on Ray: time and memory.

python -m benchmarks.duplicates_on_ray --folder /tmp/market --listings 30000 100000 300000

Each way runs in a process of its own, with all that it starts; the groups must be equal.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import numpy as np
import pandas as pd
import psutil
import ray

from benchmarks.duplicates_market import made_market
from src.prepare.on_ray.__main__ import group_files
from src.prepare.on_ray.parts import over, put, whole_of

SIZES = (30_000, 100_000, 300_000)
TEXT_SIMILARITY, PHOTO_BITS = 0.7, 6
# Listings in a file; bytes of Ray's object store, above which it spills to disk.
FILE, STORE = 50_000, 500_000_000

FIGURES = ("cpu_s", "mb", "largest_mb", "driver_mb", "spilled_mb")
Figures = dict[str, Any]


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("--listings", type=int, nargs="+", default=SIZES)
    arguments.add_argument("--folder", type=Path, required=True, help="for the made-up tables")
    arguments.add_argument("--ways", nargs="+", default=["local", "ray"], choices=["local", "ray"])
    arguments.add_argument("--once", action="store_true", help="in this process, one size and way")
    given = arguments.parse_args()
    if given.once:
        print(json.dumps(once(given.ways[0], market_files(given.folder, given.listings[0]))))
        return
    found: dict[str, list[Figures]] = {way: [] for way in given.ways}
    for size in given.listings:
        for way in given.ways:
            found[way].append(in_own_process(way, size, given.folder))
            print(way, json.dumps(found[way][-1]), flush=True)
    for way, figures in found.items():
        slopes = {key: exponent(figures, key) for key in ("seconds", "cpu_s", "mb")}
        print(way, "grows with the exponents", json.dumps(slopes))


def market_files(folder: Path, size: int) -> list[Path]:
    """Return Parquet files of a made-up market, written if they are missing."""
    market = folder / f"market-{size}"
    if not market.exists():
        made = made_market(size)
        table = made.table.merge(made.index.drop(columns="row"), on="id").drop(columns="split")
        beside = folder / f"market-{size}.part"
        beside.mkdir(parents=True, exist_ok=True)
        for start in range(0, size, FILE):
            table.iloc[start : start + FILE].to_parquet(beside / f"{start:09}.parquet")
        beside.rename(market)
    return sorted(market.glob("*.parquet"))


def once(way: str, files: list[Path]) -> Figures:
    """Group the listings of these files; the figures are peaks, in MB.

    `mb`: memory of this process and all below it; what they share, such as Ray's object store,
    counts once (proportional set size). `largest_mb`: of the largest process; `driver_mb`: of this
    one. `spilled_mb`: what Ray has on disk. `cpu_s`: seconds of processors, whoever else works.
    """
    stop, peaks = Event(), dict.fromkeys(FIGURES, 0.0)
    # A short name, as Ray's sockets lie below it.
    with TemporaryDirectory(dir=files[0].parents[1], prefix="ray") as folder:
        watch = Thread(target=_watch, args=(stop, peaks, Path(folder)))
        watch.start()
        if way == "ray":
            _start_ray(folder)
        began, before = time.perf_counter(), peaks["cpu_s"]
        groups, links = (_local if way == "local" else _on_ray)(files)
        seconds = time.perf_counter() - began
        stop.set()
        watch.join()
        peaks["cpu_s"] -= before
        if way == "ray":
            ray.shutdown()
    told = sha256("\n".join(groups).encode()).hexdigest()[:16]
    return {
        "listings": len(groups),
        "seconds": round(seconds, 1),
        **{name: round(peak) for name, peak in peaks.items()},
        "groups": groups.nunique(),
        "links": links,
        "sha256": told,
    }


def in_own_process(way: str, size: int, folder: Path) -> Figures:
    market_files(folder, size)
    command = [sys.executable, "-m", "benchmarks.duplicates_on_ray", "--once", "--ways", way]
    command += ["--listings", str(size), "--folder", str(folder)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: Figures = json.loads(told.stdout.splitlines()[-1])
    return figures


def exponent(figures: list[Figures], key: str) -> float:
    """Return the slope of the logarithm of this figure over that of the listings."""
    sizes, values = ([one[name] for one in figures] for name in ("listings", key))
    slope = np.polyfit(np.log(sizes), np.log(values), 1)[0] if len(sizes) > 1 else float("nan")
    return round(float(slope), 3)


def _local(files: list[Path]) -> tuple[pd.Series, dict[str, int]]:
    from src.prepare.duplicates import group_near_duplicates

    table = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    index = table[["sha256", "phash"]].assign(row=0)
    found = group_near_duplicates(table, index, TEXT_SIMILARITY, PHOTO_BITS)
    return found.group, found.links


def _start_ray(folder: str) -> None:
    """Start Ray and its workers, which takes from some seconds to a minute."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    ray.init(
        include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR,
        object_store_memory=STORE, _temp_dir=folder,
    )  # fmt: skip
    whole_of(over(pd.DataFrame.copy, put([pd.DataFrame({"id": [0]})] * 8)))


def _on_ray(files: list[Path]) -> tuple[pd.Series, dict[str, int]]:
    out = files[0].parents[1] / "groups"
    links = group_files(files, out, TEXT_SIMILARITY, PHOTO_BITS)
    return pd.concat([pd.read_parquet(out / file.name)["group"] for file in files]), links


def _watch(stop: Event, peaks: dict[str, float], ray_folder: Path) -> None:
    this, used, took = psutil.Process(), {}, 0.0
    # Looking at many processes costs some of a core: it is done less often then, and not counted.
    while not stop.wait(max(0.5, 10 * took)):
        held, before = [], time.thread_time()
        for process in (this, *this.children(recursive=True)):
            with suppress(psutil.Error):
                held.append(process.memory_full_info().pss / 1e6)
                used[process.pid] = sum(process.cpu_times()[:2])
        spilled = 0.0
        for file in ray_folder.glob("session_2*/ray_spilled*/*"):
            with suppress(OSError):
                spilled += file.stat().st_size / 1e6
        took = time.thread_time() - before
        used[this.pid] -= time.thread_time()
        now = {"mb": sum(held), "largest_mb": max(held), "driver_mb": held[0]}
        for name, value in (now | {"spilled_mb": spilled, "cpu_s": sum(used.values())}).items():
            peaks[name] = max(peaks[name], value)


if __name__ == "__main__":
    main()
