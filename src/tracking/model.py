"""The bundle as a model in MLflow, under the run of its fused row: one per run, however often."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from src.predict.served import CODE, save_served

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAME = "listings"
REQUIREMENTS = CODE.parent / "requirements.txt"


def log_model(client: MlflowClient, experiment_id: str, run_id: str, bundle: Path) -> str:
    """Find the model of this bundle and code under the run, or log it in place of an older one.

    Returns:
        What `mlflow models serve -m` takes: a folder, or an address where the store has no folder.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    digest = _digest(bundle)
    found = client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'")
    for model in found:
        if model.tags.get("digest") == digest and model.status == LoggedModelStatus.READY:
            return _location(model.artifact_location, model.model_uri)
    # Of another state of the bundle, or cut off.
    for model in found:
        client.delete_logged_model(model.model_id)
    model = client.create_logged_model(
        experiment_id, NAME, source_run_id=run_id, tags={"digest": digest}, model_type="pyfunc"
    )
    about = Model(run_id=run_id, model_uuid=model.model_id, model_id=model.model_id)
    with TemporaryDirectory() as folder:
        saved = Path(folder) / "model"
        save_served(bundle, REQUIREMENTS, saved, mlflow_model=about)
        client.log_model_artifacts(model.model_id, str(saved))
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return _location(model.artifact_location, model.model_uri)


def _digest(bundle: Path) -> str:
    """The state of all that the logged model is made of."""
    code = [path for path in CODE.rglob("*") if path.suffix in (".py", ".toml")]
    made_of = [path for path in bundle.rglob("*") if path.is_file()]
    total = hashlib.sha256()
    for path in sorted([*made_of, *code, REQUIREMENTS]):
        total.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _location(artifacts: str, uri: str) -> str:
    parts = urlsplit(artifacts)
    return unquote(parts.path) if parts.scheme in ("file", "") else uri
