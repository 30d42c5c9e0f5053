"""What the folders that dvc.yaml names cost: the project's past commits, replayed over them.

A stage that names folders runs again after a change of any file in them, even of one that it does
not import. Up to `LAST` dvc.yaml listed every file of every stage, so the lists of that commit tell
which stages each past commit did concern. Old files count for the folders that hold their code now.

    python -m benchmarks.replay
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from src.core.errors import UserError, run_command

# The last commit whose dvc.yaml listed files.
LAST = "0f2794a"
# Where the code of a file, or of a folder's files, is now; the longest match counts. A file whose
# parts went to several folders counts for all of them.
MOVED = {
    "src/errors.py": ["src/core"],
    "src/files.py": ["src/core"],
    "src/listings.py": ["src/core"],
    "src/params.py": ["src/core"],
    "src/tables.py": ["src/core"],
    "src/collect/cells.py": ["src/cleaning", "src/collect"],
    "src/prepare/digits.py": ["src/cleaning"],
    "src/prepare/phones.py": ["src/cleaning"],
    "src/prepare/photos.py": ["src/cleaning", "src/prepare"],
    "src/prepare/pictures.py": ["src/cleaning"],
    "src/prepare/redact.py": ["src/cleaning"],
    "src/prepare/text.py": ["src/cleaning"],
    "src/judge/": ["src/evaluation"],
    "src/models/": ["src/encoders/common"],
    "src/models/features.py": ["src/artifacts"],
    "src/models/hub.py": ["src/encoders/weights"],
    "src/models/image/": ["src/encoders/image"],
    "src/models/image/backbone.py": ["src/encoders/weights"],
    "src/models/load.py": ["src/artifacts", "src/fusion"],
    "src/models/skops_io.py": ["src/artifacts"],
    "src/models/store.py": ["src/artifacts", "src/encoders/common", "src/fusion"],
    "src/models/text/": ["src/encoders/text"],
    "src/models/weights.py": ["src/encoders/weights"],
    "src/report/confusion.py": ["src/tracking"],
    "src/report/model.py": ["src/tracking"],
    "src/report/parent.py": ["src/tracking"],
    "src/report/rows.py": ["src/tracking"],
    "src/report/runs.py": ["src/tracking"],
    "src/report/times.py": ["src/tracking"],
    "src/report/tracking.py": ["src/tracking"],
}


def main() -> None:
    params = YAML(typ="safe").load(Path("params.yaml"))
    listed = _stages(_git("show", f"{LAST}:dvc.yaml"), params)
    folders = _stages(Path("dvc.yaml").read_text(encoding="utf-8"), params)
    known = {file for _, files in listed.values() for file in files}
    # Stages that came later have no lists to compare with.
    counts = {stage: [0, 0] for stage in folders if stage in listed}
    commits = 0
    for commit in _git("log", "--format=%H", "--no-merges", LAST).split():
        changed = known & set(_git("show", "--format=", "--name-only", commit).split())
        commits += bool(changed)
        places = {place for file in changed for place in _places(file)}
        for stage, count in counts.items():
            items, files = listed[stage]
            count[0] += items * bool(changed & files)
            items, sources = folders[stage]
            count[1] += items * bool(places & sources)
    print(f"{commits} commits up to {LAST} changed source files of stages. Stages to run again:\n")
    print("| stage | by file lists | by folders |\n|---|---|---|")
    for stage, (by_files, by_folders) in counts.items():
        print(f"| {stage} | {by_files} | {by_folders} |")
    by_files, by_folders = (sum(column) for column in zip(*counts.values(), strict=True))
    print(f"| total | {by_files} | {by_folders} |")


def _stages(dvc_yaml: str, params: Any) -> dict[str, tuple[int, set[str]]]:
    """Return for each stage how many items it has with these params, and its source."""
    stages = {}
    for name, content in YAML(typ="safe").load(dvc_yaml)["stages"].items():
        items: Any = [name]
        if "foreach" in content:
            _, kind = content["foreach"].strip("${}").split(".")
            items = params["rows"][kind]
            content = content["do"]
        source = {dep for dep in content["deps"] if dep.startswith(("src/", "stages/"))}
        stages[name] = (len(items), source)
    return stages


def _places(file: str) -> list[str]:
    """Return where the code of an old file is now: the file of a stage, or folders."""
    if file.startswith("stages/"):
        return [file]
    found = max((old for old in MOVED if file.startswith(old)), key=len, default=None)
    if found:
        return MOVED[found]
    # It stayed where it was.
    return ["/".join(file.split("/")[:2])]


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise UserError(
            f"git lacks the history up to {LAST}: this needs a full clone (`git fetch --unshallow`)"
        )
    return done.stdout


if __name__ == "__main__":
    run_command(main)
