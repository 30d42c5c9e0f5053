"""A stage's parameters: those that dvc.yaml declares for it, and no others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from src.core.errors import UserError


def all_params() -> dict[str, Any]:
    """Return what params.yaml says, read as DVC reads it: YAML 1.2, where 1e-4 is a number."""
    return _read("params.yaml")


def stage_params(stage: str) -> dict[str, Any]:
    """Return the nested parameters of one stage, e.g. `train_image@cnn`.

    What dvc.yaml does not declare for a stage is not there, so it cannot change a result without
    re-running the stage. `dvc.api.params_show` says the same, a second later: it reads dvc.lock.

    Raises:
        UserError: params.yaml lacks what is declared.
    """
    params = all_params()
    name, _, item = stage.partition("@")
    entry = _read("dvc.yaml")["stages"][name]
    names = params | {"item": item}
    found: dict[str, Any] = {}
    for declared in entry.get("do", entry)["params"]:
        path = re.sub(r"\$\{(\w+)\}", lambda match: names[match[1]], declared)
        value: Any = params
        for key in path.split("."):
            if key not in value:
                raise UserError(
                    f"params.yaml has no `{path}`: `{key}` is none of {', '.join(value)}"
                )
            value = value[key]
        *sections, last = path.split(".")
        section = found
        for key in sections:
            section = section.setdefault(key, {})
        section[last] = value
    return found


def _read(file: str) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(Path(file))
    return content
