"""What MLflow holds of a project: compared, and emptied for the next fault."""

from __future__ import annotations

from typing import Any

from mlflow import MlflowClient

from src.predict.mlflow_store import configure_mlflow

EXPERIMENT, MODEL = "listings", "listings"
Content = dict[str, Any]
_AGAIN = ", again"


def client_of(uri: str) -> MlflowClient:
    configure_mlflow()
    return MlflowClient(tracking_uri=uri)


def content(uri: str) -> Content:
    """Return what each run and each version holds; a second one has a name of its own."""
    client, found = client_of(uri), {}
    experiment = client.get_experiment_by_name(EXPERIMENT)
    runs = client.search_runs([experiment.experiment_id]) if experiment else []
    for run in sorted(runs, key=lambda run: run.info.run_id):
        name, run_id = f"run {run.info.run_name}", run.info.run_id
        points = {
            key: sorted(
                (point.step, point.value) for point in client.get_metric_history(run_id, key)
            )
            for key in run.data.metrics
            # Times differ each time.
            if not key.startswith("seconds/")
        }
        files = sorted(file.path for file in client.list_artifacts(run_id))
        while name in found:
            name += _AGAIN
        found[name] = (run.info.status, run.data.params, points, files)
    for version in client.search_model_versions(f"name = '{MODEL}'"):
        found[f"version {version.version}"] = version.description
    return found


def doubles(found: Content) -> set[str]:
    """Return the names of second runs and versions of one state."""
    return {name for name in found if name.endswith(_AGAIN)}


def empty(uri: str) -> None:
    """Delete all runs and the registered model, as if nothing had been tracked."""
    client = client_of(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    for run in client.search_runs([experiment.experiment_id]) if experiment else []:
        client.delete_run(run.info.run_id)
    if client.search_registered_models(f"name = '{MODEL}'"):
        client.delete_registered_model(MODEL)
