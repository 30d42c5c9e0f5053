"""A repository after `dvc repro`, and a look into its MLflow store."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from src.tracking.tracking import LOG_LATER, track

ROWS = [
    *(("image", name) for name in ("cnn", "resnet50", "efficientnet", "efficientnet_aug")),
    *(("text", name) for name in ("tfidf", "rubert_tiny2", "rubert")),
    *(("fused", name) for name in ("logreg", "knn", "forest", "network")),
    ("leaky", "logreg_leaky"),
]
STAGES = {"image": "train_image@{}", "text": "train_text@{}", "fused": "fuse@{}", "leaky": "leaky"}
CATEGORIES = [f"Категория номер {n}" for n in range(17)]


@pytest.fixture(autouse=True)
def _no_store_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables, created by `track`, which takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    assert track([], "another", folder).startswith("MLflow: 0 runs (0 new)")
    return folder / "mlruns.db"


@pytest.fixture
def repo(tmp_path: Path, empty_store: Path) -> Path:
    """A repository after `dvc repro`: the files that other stages leave for this one."""
    locked: dict[str, Any] = {}
    for kind, name in ROWS:
        write(
            tmp_path / f"metrics/{kind}/{name}.json",
            json.dumps({"f1": 0.9, "per": {"Одежда, обувь": 1}}),
        )
        locked[STAGES[kind].format(name)] = {
            "cmd": f"python -m stages.some {name}",
            "deps": [{"path": "src/some.py", "hash": "md5", "md5": name, "size": 3}],
            "params": {
                "params.yaml": {f"{kind}_models.{name}": {"lr": 1e-05, "epochs": 3}, "seed": 7}
            },
            "outs": [{"path": "data/some", "md5": "changes nothing"}],
        }
        if kind == "leaky":
            continue
        write(
            tmp_path / f"metrics/curves/{name}.csv",
            "epoch,train_loss,val_f1\n0,2,0.1\n1,1,0.5\n2,0.5,\n",
        )
        # One picture of the full size is enough: it takes a third of a second.
        shown = CATEGORIES if name == "cnn" else CATEGORIES[:3]
        pairs = [f"{a},{b}" for a, b in zip(shown, [*shown[1:], shown[1]], strict=True)]
        write(tmp_path / f"metrics/confusion/{name}.csv", "\n".join(["actual,predicted", *pairs]))
        for file in ("model.safetensors", "about.json", "skip.ckpt"):
            write(tmp_path / f"data/checkpoints/{name}/{file}", file)
    shutil.copyfile(empty_store, tmp_path / "mlruns.db")
    # JSON is YAML too.
    write(tmp_path / "dvc.lock", json.dumps({"schema": "2.0", "stages": locked}))
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def mlflow_client(home: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{home}/mlruns.db")


def mlflow_runs(home: Path, name: str = "listings") -> list[Run]:
    client = mlflow_client(home)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def is_one_warning(line: str) -> bool:
    return line.startswith("warning: ") and "\n" not in line and LOG_LATER in line
