"""A copy of this repository, driven from the command line."""

from __future__ import annotations

import csv
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from dvc.utils.serialize import modify_yaml

_ROOT = Path(__file__).parents[1]


class Repo:
    """A copy of this repository in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tools = str(Path(sys.executable).parent)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_"))}
        # One thread: the other tests run beside this one.
        self.env |= {
            "PATH": tools + os.pathsep + os.environ["PATH"],
            "DVC_NO_ANALYTICS": "1",
            "OMP_NUM_THREADS": "1",
        }

    def run(self, *command: str, fails: bool = False) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=900
        )
        assert (done.returncode != 0) == fails, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout + done.stderr

    def stages_run(self, *command: str) -> set[str]:
        return set(re.findall(r"Running stage '([^']+)'", self.run(*command)))

    def change(self, **values: Any) -> None:
        """Set parameters by dotted names written with __."""
        # As DVC itself writes, so that its own changes are the only ones git sees.
        with modify_yaml(str(self.folder / "params.yaml")) as params:
            for name, value in values.items():
                *sections, last = name.split("__")
                inner = params
                for section in sections:
                    inner = inner[section]
                inner[last] = value

    def table(self) -> dict[str, dict[str, str]]:
        with (self.folder / "metrics/table.csv").open(encoding="utf-8") as file:
            return {line["row"]: line for line in csv.DictReader(file)}

    def runs(self) -> list[str]:
        with sqlite3.connect(self.folder / "mlruns.db") as store:
            return [name for (name,) in store.execute("select name from runs")]


def copy_repository(folder: Path, **changes: Any) -> Repo:
    """Copy this repository, without its results, with changed parameters, as a commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=_ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        # Results of the full-size demo are not those of the small one.
        if name == "dvc.lock" or name.startswith("metrics/") or not (_ROOT / name).exists():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_ROOT / name, folder / name)
    repo = Repo(folder)
    repo.change(**changes)
    for command in (
        ["git", "init", "-q", "-b", "main"],
        ["git", "config", "user.email", "test@example.org"],
        ["git", "config", "user.name", "test"],
        ["git", "add", "-A"],
        ["git", "commit", "-qm", "small"],
    ):
        repo.run(*command)
    return repo
