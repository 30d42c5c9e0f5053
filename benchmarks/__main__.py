"""All benchmarks in one go: ours against the plain way; one table.

python -m benchmarks [--quick] [--only NAME ...] [--take FILE]
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.lines import Line, table
from benchmarks.machine import commit, describe

# Each is a module here with run(quick) -> list of Line, or dicts of its fields; an empty list where
# this machine lacks what it needs.
BENCHMARKS = [
    "photos",
    "reading",
    "features",
    "steps",
    "texts",
    "words",
    "heads",
    "duplicates",
    "starts",
    "overhead",
    "whole",
    "gpu",
    "ddp",
]
RESULTS = Path("benchmarks/results.json")
# A shorter form measures worse, so it stays out of git.
QUICK_RESULTS = Path(".work/benchmarks/results.json")
# So long may one benchmark take.
LIMIT_S, QUICK_LIMIT_S = 1500, 300


def main() -> None:
    arguments = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="less of everything; in minutes")
    arguments.add_argument("--only", nargs="+", choices=BENCHMARKS, metavar="NAME")
    arguments.add_argument("--take", type=Path, help="take in results.json of another machine")
    given = arguments.parse_args()
    path = QUICK_RESULTS if given.quick else RESULTS
    new: results.Results = {}
    if given.take is not None:
        new = results.read(given.take)
    else:
        machine, at = describe(), commit()
        for name in given.only or BENCHMARKS:
            print(f"\n== {name}", file=sys.stderr, flush=True)
            limit = QUICK_LIMIT_S if given.quick else LIMIT_S
            one = measure(f"benchmarks.{name}", given.quick, limit)
            new[name] = {"commit": at, "machine": machine} | one
            # After each, so that a stop on the way loses one at most.
            _keep(new, path)
    _keep(new, path)
    print(table(results.lines_of(new)))
    print(f"{sum(one['seconds'] for one in new.values()):.0f} s; all results: {path} and beside it")


def _keep(new: results.Results, path: Path) -> None:
    results.write(path, results.merged(results.read(path), new, BENCHMARKS))


def measure(module: str, quick: bool, limit_s: float) -> dict[str, Any]:
    """Run one benchmark in a process of its own; one that fails has a line that says why."""
    name = module.rpartition(".")[2]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "lines.json"
        command = [sys.executable, "-m", "benchmarks.one", module, str(out)]
        if quick:
            command.append("--quick")
        # In a session of its own, with its temporary files in the folder: what it has started and
        # written goes with it.
        process = subprocess.Popen(
            command, start_new_session=True, env=os.environ | {"TMPDIR": folder}
        )
        try:
            status = process.wait(limit_s)
            answer: dict[str, Any] = {"failed": f"ended with status {status}"}
            if out.exists():
                answer = json.loads(out.read_text())
        except subprocess.TimeoutExpired:
            answer = {"failed": f"not done in {limit_s:g} s"}
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if "failed" in answer:
        failed = Line(name, note=f"failed: {answer['failed']}", met=False)
        answer = {"lines": [failed._asdict()]}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "seconds": round(time.monotonic() - began, 1),
        "lines": answer["lines"],
    }


if __name__ == "__main__":
    main()
