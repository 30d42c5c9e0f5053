"""A small project that DVC has run once, undisturbed, and what is compared with that run."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Any

import psutil

from benchmarks.small_demo import ROOT, copy_project

# Folders under data/ that no stage calls its output.
_NOT_OUTPUTS = ("times", "unfinished", "crawl")
# It may share its machine.
_TIMEOUT_S = 900.0


class Project:
    """A copy of the code with a small demo, its pipeline run to the end.

    Attributes:
        seconds: how long each stage took, by its name in dvc.yaml.
        expected: the outputs' hashes.
    """

    def __init__(self, folder: Path, beside: Path, listings: int) -> None:
        self.folder, self.log, self.saved = folder, beside / "log", beside / "saved"
        changes = {"folds": 2, "epochs": 6, "patience": 6, "pixels": 32}
        copy_project(folder, listings, ["cnn", "efficientnet"], changes, {"folds": 2})
        for name in (".dvcignore", "requirements.txt"):
            shutil.copy(ROOT / name, folder / name)
        for name in ("own", "corrections"):
            (folder / "data" / name).mkdir(parents=True)
            # As in the repository: of an empty folder DVC warns each time.
            (folder / "data" / name / ".gitkeep").touch()
        tools = str(Path(sys.executable).parent)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_"))}
        self.env |= {
            "PATH": tools + os.pathsep + os.environ["PATH"],
            "DVC_NO_ANALYTICS": "1",
            # Two commands run at once, and threads that wait for each other take a processor each.
            "OMP_NUM_THREADS": "1",
        }
        for command in ("git init -q", "dvc init -q", "dvc config core.autostage false"):
            self.must(*command.split())
        self.must("dvc", "repro")
        self.seconds = {
            file.stem: float(re.findall(r"[\d.]+", file.read_text())[0])
            for file in (folder / "data/times").glob("*.json")
        }
        self.expected = self.outputs()

    def start(self, *command: str, **env: str) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own; what it says goes to the log."""
        with self.log.open("wb") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.env | env, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def run(self, *command: str, **env: str) -> tuple[int, str]:
        """Run a command to its end; return its status and what it said."""
        process = self.start(*command, **env)
        said = self.end(process)
        return process.returncode, said

    def end(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for a command's end; return what it said. It is killed if it hangs."""
        try:
            process.wait(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            kill_tree(process)
            return self.said() + f"\nTraceback: none, killed after {_TIMEOUT_S:.0f} s"
        return self.said()

    def must(self, *command: str, **env: str) -> None:
        """Run a command that may not fail."""
        if self.start(*command, **env).wait():
            sys.exit(f"{' '.join(command)}: {self.said()[-3000:]}")

    def outputs(self) -> dict[str, str]:
        """Return the hash of every file that stages leave, by its path."""
        found = {}
        for top in ("data", "metrics", "dvc.lock"):
            place = self.folder / top
            for file in [place] if place.is_file() else sorted(place.rglob("*")):
                name = file.relative_to(self.folder)
                if file.is_file() and (top != "data" or name.parts[1] not in _NOT_OUTPUTS):
                    found[str(name)] = hashlib.sha256(file.read_bytes()).hexdigest()
        return found

    def left(self) -> list[str]:
        """Return what was left behind beside the outputs."""
        places = [*self.folder.glob("data/unfinished/*"), *self.folder.glob("data/crawl/*")]
        parts = [path for path in self.folder.rglob(".*.part") if ".dvc" not in path.parts]
        return sorted(str(path.relative_to(self.folder)) for path in [*places, *parts])

    def save(self) -> None:
        """Keep the project as it is for `restore`."""
        shutil.copytree(self.folder, self.saved, symlinks=True)

    def copied(self, folder: Path, log: Path) -> Project:
        """Return a copy of what `save` kept, in a new folder."""
        other = copy(self)
        other.folder, other.log = folder, log
        folder.mkdir()
        other.restore()
        return other

    def restore(self) -> None:
        """Start anew from the undisturbed run, so that a fault does not count twice."""
        # MLflow's store stays: this process has it open, and it is emptied for each fault.
        stays = {"mlruns.db", "mlartifacts"} & {path.name for path in self.folder.iterdir()}
        for path in self.folder.iterdir():
            if path.name not in stays:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(
            self.saved, self.folder, symlinks=True, dirs_exist_ok=True,
            ignore=lambda folder, names: stays if Path(folder) == self.saved else (),
        )  # fmt: skip


def wait_for(found: Callable[[], Any], process: subprocess.Popen[bytes]) -> Any:
    """Return what `found` finds, once it does; None when the process ends before."""
    while process.poll() is None:
        if (one := found()) is not None:
            return one
        time.sleep(0.01)
    return None


def stage_process(driver: subprocess.Popen[bytes]) -> psutil.Process | None:
    """Return the stage that DVC has started."""
    with suppress(psutil.Error):
        for child in psutil.Process(driver.pid).children(recursive=True):
            words = child.cmdline()
            # The shell between the two has all of them in one word.
            if any(word.startswith("stages.") for word in words):
                return child
    return None


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a command with all that it has started, at once."""
    with suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            # What shows a training in MLflow has a session of its own.
            with suppress(psutil.Error):
                child.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
