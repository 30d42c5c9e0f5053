"""The state of a stage: its command, dependencies and parameters, as dvc.lock names them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

from src.core.params import all_params, read_yaml, stage_entry


def stage_state(stage: str) -> dict[str, Any]:
    """Return what dvc.lock will say of a stage that runs now, but for its outputs.

    DVC itself writes this only when the stage is done. Of a dependency that is not there, only the
    path is said.

    Raises:
        UserError: dvc.yaml has no such stage, or params.yaml is wrong.
    """
    entry, content = stage_entry(stage, all_params()), read_yaml("params.yaml")
    params = {
        path: reduce(lambda section, key: section[key], path.split("."), content)
        for path in entry.params
    }
    deps = [_dependency(path) for path in sorted(entry.deps)]
    state = {"cmd": entry.cmd, "deps": deps, "params": params and {"params.yaml": params}}
    return {key: value for key, value in state.items() if value}


def state_key(state: Mapping[str, Any]) -> str:
    """Return the hash of a stage's state, or of its entry in dvc.lock: the two are equal.

    What was made (`outs`) may differ from machine to machine and does not count.
    """
    inputs = {key: state[key] for key in ("cmd", "deps", "params") if key in state}
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _dependency(path: str) -> dict[str, Any]:
    """Hash a file or a folder as DVC does."""
    place = Path(path)
    if not place.exists():
        return {"path": path}
    if not place.is_dir():
        return {"path": path, "hash": "md5", "md5": _md5(place), "size": place.stat().st_size}
    files = {
        file.relative_to(place).as_posix(): file
        for file in place.rglob("*")
        # Of what .dvcignore lists, only this lies in folders that stages depend on.
        if file.is_file() and file.suffix != ".pyc"
    }
    listed = [{"md5": _md5(files[name]), "relpath": name} for name in sorted(files)]
    total = hashlib.md5(json.dumps(listed, sort_keys=True).encode(), usedforsecurity=False)
    return {
        "path": path,
        "hash": "md5",
        "md5": f"{total.hexdigest()}.dir",
        "size": sum(file.stat().st_size for file in files.values()),
        "nfiles": len(files),
    }


def _md5(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
