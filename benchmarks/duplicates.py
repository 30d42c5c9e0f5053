"""Near-duplicates and split compared with the plain way, each in a process of its own.

python -m benchmarks.duplicates --listings 3000 9000 27000 270000
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from benchmarks.duplicates_market import made_market

SIZES = (3000, 9000, 27_000, 81_000, 270_000)
# Runs are repeated up to this many listings; at this many the plain way is run by turns.
COMPARED = 27_000
# By the number of listings: the limits of seconds, MB, and the exponent of time over listings.
TARGETS = {27_000: (60, 3000, 1.2), 270_000: (900, 6000, 1.2)}
TEXT_SIMILARITY, PHOTO_BITS = 0.7, 6

Figures = dict[str, Any]


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("--listings", type=int, nargs="+", default=SIZES)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--once", choices=["ours", "plain"])
    given = arguments.parse_args()
    if given.once:
        print(json.dumps(once(given.once, given.listings[0])))
        return
    measured = measure(given.listings, given.repeats)
    print(json.dumps({"exponent": exponent(measured), "sizes": measured}, indent=2))


def run(quick: bool) -> list[Figures]:
    """Return the lines of the common table, one per target; `quick`: up to 27,000 listings."""
    sizes = [size for size in SIZES if size <= COMPARED or (size in TARGETS and not quick)]
    measured = measure(sizes, 1 if quick else 2)
    slope = exponent(measured)
    lines = []
    for size in sorted(TARGETS.keys() & measured.keys()):
        (seconds, megabytes, growth), ours = TARGETS[size], measured[size]["ours"]
        plain = measured[size].get("plain")
        note = f"recall of planted pairs {ours['recall']:.3f}"
        note += f" (plain {plain['recall']:.3f})" if plain else ""
        note += f"; grows as n^{slope:.2f} from {min(sizes)} to {max(sizes)}"
        lines.append(
            {
                "name": f"near-duplicates and split, {size} listings",
                "ours_s": ours["seconds"],
                "plain_s": plain and plain["seconds"],
                "ratio": measured[size].get("ratio"),
                "spread": measured[size].get("spread"),
                "target": f"under {seconds} s and {megabytes} MB, at most n^{growth}",
                "met": bool(
                    ours["seconds"] < seconds and ours["mb"] < megabytes and slope <= growth
                ),
                "ours_mb": ours["mb"],
                "plain_mb": plain and plain["mb"],
                "note": note,
            }
        )
    return lines


def measure(sizes: Sequence[int], repeats: int) -> dict[int, Figures]:
    """Return medians of both ways by size, and the ratio of their times at COMPARED listings."""
    found: dict[int, Figures] = {}
    for size in sizes:
        ways = ("ours", "plain") if size == COMPARED else ("ours",)
        runs = [
            {way: _in_own_process(way, size) for way in ways}
            for _ in range(repeats if size <= COMPARED else 1)
        ]
        found[size] = {
            way: {key: round(median(one[way][key] for one in runs), 3) for key in runs[0][way]}
            for way in ways
        }
        if "plain" in ways:
            ratios = [one["plain"]["seconds"] / one["ours"]["seconds"] for one in runs]
            found[size]["ratio"] = round(median(ratios), 2)
            found[size]["spread"] = [round(min(ratios), 2), round(max(ratios), 2)]
    return found


def exponent(measured: dict[int, Figures]) -> float:
    """Return the slope of log time over log listings; nan for a single size."""
    if len(measured) < 2:
        return float("nan")
    seconds = [figures["ours"]["seconds"] for figures in measured.values()]
    return round(float(np.polyfit(np.log(list(measured)), np.log(seconds), 1)[0]), 3)


def once(way: str, listings: int) -> Figures:
    """Group and split made-up listings once; `mb` is the peak memory of the process."""
    market = made_market(listings)
    table, index = market.table, market.index
    if way == "ours":
        from src.core.schema import Parts
        from src.prepare.assign import assign_random
        from src.prepare.duplicates import group_near_duplicates

        began = time.perf_counter()
        group = group_near_duplicates(table, index, TEXT_SIMILARITY, PHOTO_BITS).group
        grouped = time.perf_counter()
        assign_random(table["category"], group, Parts(train=0.6, val=0.2, test=0.2), seed=7)
    else:
        from benchmarks.duplicates_plain import plain_groups, plain_split

        began = time.perf_counter()
        group = plain_groups(table, index, TEXT_SIMILARITY, PHOTO_BITS)
        grouped = time.perf_counter()
        plain_split(table["category"], group, seed=7)
    ended = time.perf_counter()
    first, again = group.to_numpy(dtype=object)[market.planted].T
    return {
        "group_s": grouped - began,
        "split_s": ended - grouped,
        "seconds": ended - began,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "recall": float((first == again).mean()),
    }


def _in_own_process(way: str, listings: int) -> Figures:
    command = [sys.executable, "-m", "benchmarks.duplicates", "--once", way]
    told = subprocess.run(
        [*command, "--listings", str(listings)], check=True, stdout=subprocess.PIPE, text=True
    )
    figures: Figures = json.loads(told.stdout)
    return figures


if __name__ == "__main__":
    main()
