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
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.faults import kinds, ray_job, store
from benchmarks.faults.kinds import Drill, Skipped, objects_in
from benchmarks.faults.project import Project
from benchmarks.servers import BUCKET, MlflowServer, NoPostgres, Postgres, s3_bucket

_STAGES = ("collect", "pack", "weights_image@efficientnet", "train_image@cnn", "fuse@stack",
           "evaluate", "bundle", "track")  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of fault, its places, and whether runs are tracked by MLflow's server."""

    name: str
    fault: Callable[[Drill, str, dict[str, str]], str]
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
    Kind("clock jumps", kinds.jump_clock, ("collect", "train_image@cnn", "track")),
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
        if self.skipped:
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
    options.add_argument("--only", default="", help="kinds and places that match, e.g. 'disk'")
    options.add_argument("--out", type=Path, default=Path(".work/faults.md"))
    given = options.parse_args()
    chosen = [
        (kind, target)
        for kind in KINDS
        for target in kind.targets
        if re.search(given.only, f"{kind.name} {target}")
    ]
    started = time.monotonic()
    # So that servers and mounts go, too, when it is ended from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with (
        TemporaryDirectory(prefix="faults-") as folder,
        prepared(Path(folder), given.listings, given.seed) as drill,
    ):
        print(f"prepared in {time.monotonic() - started:.0f} s", flush=True)
        lines = [tried(drill, *one, given.rounds) for one in chosen]
    table = table_of(lines)
    print(table)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(table, encoding="utf-8")
    print(f"{sum(line.faults for line in lines)} faults, {time.monotonic() - started:.0f} s")
    wrong = any(
        line.lost or line.double or line.unequal or "traceback" in line.messages for line in lines
    )
    sys.exit(int(wrong))


@contextmanager
def prepared(folder: Path, listings: int, seed: int) -> Iterator[Drill]:
    """Run the pipeline undisturbed, and start the servers."""
    with ExitStack() as stack:
        disk = folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2g", "faults", str(disk)], capture_output=True
        )
        if not mounted.returncode:
            stack.callback(subprocess.run, ["umount", "-l", str(disk)], check=True)
        project = Project(disk / "project", folder, listings)
        ray_job.predict_undisturbed(project)
        bucket = stack.enter_context(s3_bucket())
        project.must("dvc", "remote", "add", "-d", "store", f"s3://{BUCKET}/dvc")
        project.must("git", "add", "-A")
        named = ("-c", "user.name=drill", "-c", "user.email=drill@example.org")
        project.must("git", *named, "commit", "-qm", "done")
        project.save()
        project.must("dvc", "push", **bucket.env)
        postgres = mlflow = None
        try:
            postgres = Postgres()
            stack.callback(postgres.remove)
            mlflow = MlflowServer(postgres.uri, bucket, folder / "mlflow.log")
            mlflow.start()
            stack.callback(mlflow.kill)
        except NoPostgres as reason:
            print(f"not tried: {reason}")
        moments = random.Random(seed)
        on_disk = None if mounted.returncode else disk
        yield Drill(project, moments, bucket, on_disk, postgres, mlflow, objects_in(bucket))


def tried(drill: Drill, kind: Kind, target: str, rounds: int) -> Line:
    """Try a fault some times at one place; say what became of each."""
    line = Line(kind.name, target)
    for _ in range(rounds):
        try:
            found = one_fault(drill, kind, target)
        except Skipped as reason:
            line.skipped = str(reason)
            break
        line.faults += 1
        line.lost += len(found["lost"])
        line.double += len(found["double"])
        line.unequal += bool(found["unequal"] or found["lost"] or found["double"])
        line.messages.append(found["message"])
        for problem in ("lost", "double", "unequal"):
            if found[problem]:
                print(f"  {kind.name}, {target}: {problem}: {found[problem][:4]}", flush=True)
        if found["message"] not in ("nothing", "one line") or found["status"]:
            print(found["said"][-3000:], flush=True)
        if any(found[problem] for problem in ("lost", "double", "unequal")):
            drill.project.restore()
    print(" | ".join(line.cells()), flush=True)
    return line


def one_fault(drill: Drill, kind: Kind, target: str) -> dict[str, Any]:
    """Disturb a command, run it again, and compare with the undisturbed run."""
    project, env = drill.project, drill.env(target, kind.on_server)
    command = ray_job.COMMAND if target == ray_job.TARGET else drill.command(target)
    uri = env.get("MLFLOW_TRACKING_URI", f"sqlite:///{project.folder}/mlruns.db")
    if target == "track":
        store.empty(uri)
        project.run(*command, **env)
        tracked = store.content(uri)
        store.empty(uri)
    said = kind.fault(drill, target, env)
    status, again = project.run(*command, **env)
    if "'./dvc.lock' validation failed" in again:
        # DVC was killed in the milliseconds in which it writes its file: git has the last one.
        said += again
        project.must("git", "checkout", "dvc.lock")
        status, again = project.run(*command, **env)
    outputs = project.outputs()
    lost = sorted({*project.expected} - {*outputs})
    double = sorted({*outputs} - {*project.expected}) + project.left()
    unequal = [
        name for name, digest in outputs.items() if project.expected.get(name, digest) != digest
    ]
    if target == "track":
        found = store.content(uri)
        lost += sorted({*tracked} - {*found})
        double += sorted({*found} - {*tracked})
        unequal += [name for name in found if name in tracked and found[name] != tracked[name]]
    if target in ("push", "pull"):
        objects = objects_in(drill.bucket)
        lost += sorted({*drill.pushed} - {*objects})
        unequal += [key for key in objects if drill.pushed.get(key) != objects[key]]
    if status:
        lost.append(f"the command failed again: {again[-300:]}")
    return {
        "lost": lost, "double": double, "unequal": unequal, "status": status,
        "message": message_of(said), "said": said + again,
    }  # fmt: skip


def message_of(said: str) -> str:
    """Say how many lines of errors the user saw."""
    if "Traceback" in said:
        return "traceback"
    lines = [line for line in said.splitlines() if re.match("(?i)(error|warning):", line)]
    # DVC adds one of its own to that of a stage.
    own = [line for line in lines if "failed to reproduce" not in line]
    count = len(own) or len(lines)
    return {0: "nothing", 1: "one line"}.get(count, f"{count} lines")


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
