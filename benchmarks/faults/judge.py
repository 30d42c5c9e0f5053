"""One fault: a command is disturbed, runs again, and what it leaves is compared."""

from __future__ import annotations

import re
from typing import NamedTuple

from benchmarks.faults import ray_job, store
from benchmarks.faults.kinds import Drill, Fault, Missed, Skipped, objects_in

# What DVC says of its own file when it was stopped in the milliseconds of writing it, and the
# command that docs/machines.md gives for this.
_REMEDIES = {
    "'./dvc.lock' validation failed": ("git", "checkout", "dvc.lock"),
    "Unable to read RWLock-file": ("rm", ".dvc/tmp/rwlock"),
}
# So often is a moment drawn anew when the command was done before it.
_ATTEMPTS = 6


class Found(NamedTuple):
    """What became of a fault: names of what is lost, double or unequal, and what was said."""

    lost: list[str]
    double: list[str]
    unequal: list[str]
    message: str
    said: str


def one_fault(drill: Drill, fault: Fault, target: str, on_server: bool) -> Found:
    """Disturb a command, run it again, and compare with the undisturbed run."""
    project, env = drill.project, drill.env(target, on_server)
    command = ray_job.COMMAND if target == ray_job.TARGET else drill.command(target)
    uri = env.get("MLFLOW_TRACKING_URI", f"sqlite:///{project.folder}/mlruns.db")
    # Of a DVC that was killed before, DVC says so once.
    (project.folder / ".dvc/tmp/rwlock").unlink(missing_ok=True)
    said = _disturbed(drill, fault, target, env, uri)
    status, again = project.run(*command, **env)
    for complaint, remedy in _REMEDIES.items():
        if complaint in again:
            said += again
            project.must(*remedy)
            status, again = project.run(*command, **env)
    outputs = project.outputs()
    lost = sorted({*project.expected} - {*outputs})
    double = sorted({*outputs} - {*project.expected}) + project.left()
    unequal = [
        name for name, digest in outputs.items() if project.expected.get(name, digest) != digest
    ]
    if _logs(target):
        found = store.content(uri)
        double += sorted(store.doubles(found))
        if target == "track":
            lost += sorted({*drill.tracked} - {*found})
            double += sorted({*found} - {*drill.tracked} - store.doubles(found))
            unequal += [name for name in found if found[name] != drill.tracked.get(name)]
    if target in ("push", "pull"):
        objects = objects_in(drill.bucket)
        lost += sorted({*drill.pushed} - {*objects})
        unequal += [key for key in objects if drill.pushed.get(key) != objects[key]]
    if status:
        lost.append(f"the command failed again: {again[-300:]}")
    return Found(lost, double, unequal, message_of(said), said + again)


def _disturbed(drill: Drill, fault: Fault, target: str, env: dict[str, str], uri: str) -> str:
    """Disturb the command, and not only what comes after it; return what the user saw."""
    for _ in range(_ATTEMPTS):
        if _logs(target):
            store.empty(uri)
        try:
            return fault(drill, target, env)
        except Missed:
            # It takes less time than it took undisturbed.
            drill.hurry(target)
    raise Skipped(f"it was done before each of {_ATTEMPTS} faults")


def _logs(target: str) -> bool:
    """Whether a command writes to MLflow."""
    return target == "track" or target.startswith("train_")


def message_of(said: str) -> str:
    """Say how many lines of errors and warnings the user saw."""
    if "Traceback" in said:
        return "traceback"
    lines = re.findall(r"(?im)^(error|warning):(.*)", said)
    # DVC adds one of its own to that of a stage, and to those of files.
    added = ("failed to reproduce", "failed to push data", "failed to pull data")
    own = [kind.lower() for kind, text in lines if not any(words in text for words in added)]
    if own == ["warning", "error"]:
        return "a warning, later one line"
    count = len(own) or len(lines)
    return {0: "nothing", 1: "one line"}.get(count, f"{count} lines")
