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
from src.core.state import state_key

# The stage that makes a row of each kind; its entry in dvc.lock says which state of it this is.
_STAGES = {"image": "train_image@{}", "text": "train_text@{}", "fused": "fuse@{}", "leaky": "leaky"}
LOCK_HASH = "dvc.lock_hash"
_MODEL_FILES = (".safetensors", ".json", ".npz")


@dataclass(frozen=True)
class TrackedRow:
    """One row of the table.

    Attributes:
        kind: image, text, fused or leaky.
        stage: the stage that made the row, e.g. `train_image@cnn` or `join_text@use_words`.
        lock_hash: hash of that stage's entry in dvc.lock; None where there is no entry.
        params: parameters of that stage, by their path in params.yaml.
        metrics: scores, by their path in the row's metrics file.
        curves: table of the training curves; None where there is none.
        confusion: table of actual and predicted categories; None where there is none.
        model_files: the fitted model.
    """

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
            return LOCK_HASH, self.lock_hash
        return "row.content_hash", _digest([self.params, self.metrics])


def read_tracked_rows(root: Path) -> list[TrackedRow]:
    """Gather the rows whose scores are in `root/metrics/<kind>/<row>.json`.

    Parameters are those that the row's stage ran with, taken from dvc.lock.
    """
    lock = _read_lock(root / "dvc.lock")
    return [
        _read_row(root, kind, file, stage.format(file.stem), lock)
        for kind, stage in _STAGES.items()
        for file in sorted((root / "metrics" / kind).glob("*.json"))
    ]


def metric_name(name: str) -> str:
    """Replace the characters that MLflow allows in no name."""
    return re.sub(r"[^/\w.\- ]", "_", name)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _read_lock(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    from ruamel.yaml import YAML

    # DVC writes YAML 1.2 with this library; other readers take 1e-05 for text.
    stages: dict[str, Any] = (YAML(typ="safe").load(file) or {}).get("stages", {})
    return stages


def _read_row(root: Path, kind: str, file: Path, stage: str, lock: dict[str, Any]) -> TrackedRow:
    if stage not in lock and (joined := f"join_{kind}@{file.stem}") in lock:
        stage = joined
    entry = lock.get(stage, {})
    params: dict[str, Any] = {}
    for params_of_file in entry.get("params", {}).values():
        params |= params_of_file
    checkpoint = root / "data" / "checkpoints" / file.stem
    return TrackedRow(
        kind=kind,
        name=file.stem,
        stage=stage,
        lock_hash=state_key(entry) if entry else None,
        params=_flat(params),
        metrics={k: float(v) for k, v in _flat(read_json(file)).items() if is_number(v)},
        curves=_existing(root / "metrics" / "curves" / f"{file.stem}.csv"),
        confusion=_existing(root / "metrics" / "confusion" / f"{file.stem}.csv"),
        # Those of a joined row's parts are with the parts.
        model_files=sorted(f for f in checkpoint.glob("*") if f.suffix in _MODEL_FILES),
    )


def _flat(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join nested keys with dots, as names that MLflow allows."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        name = metric_name(f"{prefix}{key}")
        flat |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _existing(file: Path) -> Path | None:
    return file if file.exists() else None
