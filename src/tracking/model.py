"""The bundle as a model in MLflow, under the run of its row: one per run and state."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from src.predict.mlflow_store import local_path
from src.predict.served import SRC, save_served_model
from src.tracking.answers import ANSWERS, TrackedBundle
from src.tracking.registry import MODEL_ID, versions_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

_NAME = "listings"
_REQUIREMENTS = SRC.parent / "requirements.txt"


def log_bundle(
    client: MlflowClient, experiment_id: str, run_id: str, bundle: TrackedBundle
) -> LoggedModel:
    """Find the model of this bundle and code under the run, or log it.

    Older ones are deleted unless a version of the registered model is made of them.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    digest = _digest(bundle)
    found = client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'")
    for model in found:
        ready = model.tags.get("digest") == digest and model.status == LoggedModelStatus.READY
        if ready and _is_there(model.artifact_location):
            return model
    # These are of another state of the bundle, or incomplete, or their files are gone.
    registered = {version.tags.get(MODEL_ID) for version in versions_of(client, bundle.name)}
    for model in found:
        if model.model_id not in registered:
            client.delete_logged_model(model.model_id)
    model = client.create_logged_model(
        experiment_id, _NAME, source_run_id=run_id, tags={"digest": digest}, model_type="pyfunc"
    )
    metadata = Model(run_id=run_id, model_uuid=model.model_id, model_id=model.model_id)
    with TemporaryDirectory() as folder:
        saved = Path(folder) / "model"
        save_served_model(bundle.folder, _REQUIREMENTS, saved, mlflow_model=metadata)
        (saved / ANSWERS).write_text(bundle.answers_csv(), encoding="utf-8")
        client.log_model_artifacts(model.model_id, str(saved))
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return model


def location_of(model: LoggedModel) -> str:
    """Return what `mlflow models serve -m` takes: a folder, or an address if the store has none."""
    folder = local_path(model.artifact_location)
    return str(folder) if folder else model.model_uri


def _digest(bundle: TrackedBundle) -> str:
    """Hash everything that the logged model is made of."""
    total = hashlib.sha256(bundle.answers_csv().encode())
    for folder in (bundle.folder, SRC):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(str(path.relative_to(folder)).encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    total.update(_REQUIREMENTS.read_bytes())
    return total.hexdigest()


def _is_there(artifacts: str) -> bool:
    folder = local_path(artifacts)
    return folder is None or folder.exists()
