"""What other stages left about every row of the table: scores, parameters, files."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.core.files import read_json

# The stage that makes a row of each kind; its entry in dvc.lock says which state of it this is.
STAGES = {"image": "train_image@{}", "text": "train_text@{}", "fused": "fuse@{}", "leaky": "leaky"}
MODEL_FILES = (".safetensors", ".json", ".skops")


@dataclass(frozen=True)
class Row:
    """One row of the table and what is known about it; a file that is not there is None."""

    kind: str
    name: str
    stage: str
    lock_hash: str | None
    params: dict[str, Any]
    metrics: dict[str, float]
    curves: Path | None
    confusion: Path | None
    model_files: list[Path]

    @property
    def key(self) -> tuple[str, str]:
        """Name and value of the tag by which the row's run is found again."""
        if self.lock_hash:
            return "dvc.lock_hash", self.lock_hash
        return "row.content_hash", _digest([self.params, self.metrics])


def read_rows(root: Path) -> list[Row]:
    """Gather the rows whose metrics lie under `root/metrics/<kind>/<row>.json`.

    Parameters are those that the row's stage ran with, as dvc.lock states them.
    """
    lock = read_lock(root / "dvc.lock")
    return [
        _row(root, kind, file, STAGES[kind].format(file.stem), lock)
        for kind in STAGES
        for file in sorted((root / "metrics" / kind).glob("*.json"))
    ]


def read_lock(file: Path) -> dict[str, Any]:
    """Return the stages of dvc.lock; {} where there is none."""
    if not file.exists():
        return {}
    from ruamel.yaml import YAML

    # DVC writes YAML 1.2 with this library; another reader takes 1e-05 for text.
    stages: dict[str, Any] = (YAML(typ="safe").load(file) or {}).get("stages", {})
    return stages


def metric_name(name: str) -> str:
    """Replace what MLflow takes in no name."""
    return re.sub(r"[^/\w.\- ]", "_", name)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _row(root: Path, kind: str, file: Path, stage: str, lock: dict[str, Any]) -> Row:
    entry = lock.get(stage, {})
    # Of what the row was made; what was made of it (`outs`) may differ from machine to machine.
    parts = {part: entry[part] for part in ("cmd", "deps", "params") if part in entry}
    params: dict[str, Any] = {}
    for of_file in parts.get("params", {}).values():
        params |= of_file
    checkpoint = (root / "data" / "checkpoints" / file.stem).glob("*")
    return Row(
        kind=kind,
        name=file.stem,
        stage=stage,
        lock_hash=_digest(parts) if parts else None,
        params=_flat(params),
        metrics={k: float(v) for k, v in _flat(read_json(file)).items() if is_number(v)},
        curves=_existing(root / "metrics" / "curves" / f"{file.stem}.csv"),
        confusion=_existing(root / "metrics" / "confusion" / f"{file.stem}.csv"),
        model_files=sorted(f for f in checkpoint if f.suffix in MODEL_FILES),
    )


def _flat(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join nested keys with dots, in names that MLflow takes."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        name = metric_name(f"{prefix}{key}")
        flat |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _existing(file: Path) -> Path | None:
    return file if file.exists() else None
