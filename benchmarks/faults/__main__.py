"""Faults at random moments of each long stage, each followed by the same command once more.

    python -m benchmarks.faults --rounds 3

Nothing may be lost, nothing doubled, all files equal to those of an undisturbed run, and what the
user sees must be one line. Every round tries each fault once at each of its places.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from traceback import format_exc

from benchmarks.faults import clock, kinds, ray_job
from benchmarks.faults.judge import Found, one_fault
from benchmarks.faults.kinds import Drill, Fault, Skipped
from benchmarks.faults.setup import prepared

_STAGES = ("collect", "pack", "weights_image@efficientnet", "train_image@cnn", "fuse@stack",
           "evaluate", "bundle", "track")  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of fault, its places, and whether runs are tracked by MLflow's server."""

    name: str
    fault: Fault
    targets: tuple[str, ...]
    on_server: bool = False


KINDS = (
    Kind("driver killed", kinds.kill_driver, _STAGES),
    Kind("worker killed", kinds.kill_worker, _STAGES),
    Kind("all killed", kinds.kill_all, ("collect", "train_image@cnn", "bundle", "track")),
    Kind("driver killed", kinds.kill_transfer, ("push", "pull")),
    Kind("MLflow's server killed", kinds.kill_server, ("train_image@cnn", "track"), True),
    Kind("database killed", kinds.kill_database, ("train_image@cnn", "track"), True),
    Kind("disk full", kinds.fill_disk,
         ("collect", "pack", "weights_image@efficientnet", "train_image@cnn", "bundle", "track")),
    Kind("bucket answers 503", kinds.refuse_requests, ("push", "pull")),
    Kind("bucket answers 503", kinds.refuse_requests, ("track",), True),
    Kind("driver killed", ray_job.kill_driver, (ray_job.TARGET,)),
    Kind("worker killed", ray_job.kill_worker, (ray_job.TARGET,)),
    Kind("clock jumps", clock.jump_clock, ("collect", "train_image@cnn", "track")),
)  # fmt: skip


@dataclass
class Line:
    """What became of the faults of one kind at one place."""

    kind: str
    target: str
    faults: int = 0
    lost: int = 0
    double: int = 0
    unequal: int = 0
    messages: list[str] = field(default_factory=list)
    skipped: str = ""

    def cells(self) -> list[str]:
        if self.skipped and not self.faults:
            return [self.kind, self.target, "0", "", "", "", f"skipped: {self.skipped}"]
        same = f"{self.faults - self.unequal} of {self.faults}"
        message = ", ".join(
            f"{self.messages.count(one)} x {one}" for one in sorted({*self.messages})
        )
        numbers = [self.faults, self.lost, self.double]
        return [self.kind, self.target, *map(str, numbers), same, message]


def main() -> None:
    options = argparse.ArgumentParser("python -m benchmarks.faults", description=__doc__)
    options.add_argument("--rounds", type=int, default=3, help="how often each fault is tried")
    options.add_argument("--seed", type=int, default=0, help="of the moments")
    options.add_argument("--listings", type=int, default=80)
    options.add_argument("--at-once", type=int, default=2, help="how many faults")
    options.add_argument("--only", default="", help="kinds and places that match, e.g. 'disk'")
    options.add_argument("--out", type=Path, default=Path(".work/faults.md"))
    given = options.parse_args()
    chosen = [
        (kind, Line(kind.name, target))
        for kind in KINDS
        for target in kind.targets
        if re.search(given.only, f"{kind.name} {target}")
    ]
    started = time.monotonic()
    # So that servers and mounts go, too, when it is ended from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with (
        TemporaryDirectory(prefix="faults-") as folder,
        prepared(Path(folder), given.listings, given.at_once) as drills,
    ):
        print(f"prepared in {time.monotonic() - started:.0f} s", flush=True)
        lines = [line for _, line in chosen]
        try:
            try_all(drills, chosen, given.rounds, given.seed)
        finally:
            given.out.parent.mkdir(parents=True, exist_ok=True)
            given.out.write_text(table_of(lines), encoding="utf-8")
    print(given.out.read_text(encoding="utf-8"))
    print(f"{sum(line.faults for line in lines)} faults, {time.monotonic() - started:.0f} s")
    wrong = any(
        line.lost or line.double or line.unequal or "traceback" in line.messages for line in lines
    )
    sys.exit(int(wrong))


def try_all(drills: list[Drill], chosen: list[tuple[Kind, Line]], rounds: int, seed: int) -> None:
    """Try each fault at each place some times; the lines say what became of them.

    Args:
        drills: as many faults are tried at once. The first has the servers.
        seed: of the moments; together with a fault, its place and the round it gives its moment.
    """
    own: list[deque[partial[None]]] = [deque() for _ in drills]
    anywhere: deque[partial[None]] = deque()
    for number in range(rounds):
        for kind, line in chosen:
            moments = random.Random(f"{seed} {kind.name} {line.target} {number}")
            queue = anywhere
            # Answers say which table they were made of, so in a copy they would differ.
            if kind.on_server or line.target == ray_job.TARGET:
                queue = own[0]
            elif line.target in ("push", "pull"):
                # One at a time, for all share the bucket.
                queue = own[1 % len(drills)]
            queue.append(partial(tried, kind, line, moments))

    def work(drill: Drill, first: deque[partial[None]]) -> None:
        for queue in (first, anywhere):
            while queue:
                try:
                    task = queue.popleft()
                except IndexError:
                    # Another has taken the last one.
                    break
                task(drill)

    with ThreadPoolExecutor(len(drills)) as pool:
        try:
            for one in [pool.submit(work, *both) for both in zip(drills, own, strict=True)]:
                one.result()
        finally:
            # Where one of them fails, the others end after their faults.
            for queue in (*own, anywhere):
                queue.clear()


def tried(kind: Kind, line: Line, moments: random.Random, drill: Drill) -> None:
    """Try a fault once, add to its line what became of it, and print what is wrong."""
    drill.moments, started = moments, time.monotonic()
    try:
        found = one_fault(drill, kind.fault, line.target, kind.on_server)
    except Skipped as reason:
        line.skipped = str(reason)
        return
    except Exception as error:  # The others go on; this one counts as lost.
        found = Found([f"the drill itself failed: {error!r}"], [], [], "unknown", format_exc())
    problems = {"lost": found.lost, "double": found.double, "unequal": found.unequal}
    line.faults += 1
    line.lost += len(found.lost)
    line.double += len(found.double)
    line.unequal += any(problems.values())
    line.messages.append(found.message)
    said = [f"{kind.name}, {line.target}: {found.message}, {time.monotonic() - started:.0f} s"]
    said += [f"  {problem}: {names[:4]}" for problem, names in problems.items() if names]
    if any(problems.values()) or found.message not in ("nothing", "one line"):
        said.append(found.said[-3000:])
    print("\n".join(said), flush=True)
    if any(problems.values()):
        drill.project.restore()


def table_of(lines: list[Line]) -> str:
    head = ["kind", "place", "faults", "lost", "double", "same bytes", "message"]
    rows = [head, ["---"] * len(head), *(line.cells() for line in lines)]
    total = Line("all", "")
    for line in lines:
        total.faults += line.faults
        total.lost += line.lost
        total.double += line.double
        total.unequal += line.unequal
        total.messages += line.messages
    rows.append(total.cells())
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    main()
