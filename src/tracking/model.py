"""The bundle as a model in MLflow, under the run of its fused row: one per run, however often."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from src.predict.served import SRC, save_served_model
from src.tracking.store import local_path

if TYPE_CHECKING:
    from mlflow import MlflowClient

_NAME = "listings"
_REQUIREMENTS = SRC.parent / "requirements.txt"


def log_bundle(client: MlflowClient, experiment_id: str, run_id: str, bundle: Path) -> str:
    """Find the model of this bundle and code under the run, or log it and delete older ones.

    Returns:
        What `mlflow models serve -m` takes: a folder, or an address where the store has no folder.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    digest = _digest(bundle)
    found = client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'")
    for model in found:
        ready = model.tags.get("digest") == digest and model.status == LoggedModelStatus.READY
        if ready and _is_there(model.artifact_location):
            return _location(model.artifact_location, model.model_uri)
    # These are of another state of the bundle, or incomplete, or their files are gone.
    for model in found:
        client.delete_logged_model(model.model_id)
    model = client.create_logged_model(
        experiment_id, _NAME, source_run_id=run_id, tags={"digest": digest}, model_type="pyfunc"
    )
    metadata = Model(run_id=run_id, model_uuid=model.model_id, model_id=model.model_id)
    with TemporaryDirectory() as folder:
        saved = Path(folder) / "model"
        save_served_model(bundle, _REQUIREMENTS, saved, mlflow_model=metadata)
        client.log_model_artifacts(model.model_id, str(saved))
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return _location(model.artifact_location, model.model_uri)


def _digest(bundle: Path) -> str:
    """Hash everything that the logged model is made of."""
    total = hashlib.sha256()
    for folder in (bundle, SRC):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(str(path.relative_to(folder)).encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    total.update(_REQUIREMENTS.read_bytes())
    return total.hexdigest()


def _location(artifacts: str, uri: str) -> str:
    folder = local_path(artifacts)
    return str(folder) if folder else uri


def _is_there(artifacts: str) -> bool:
    folder = local_path(artifacts)
    return folder is None or folder.exists()
