"""Finding again what MLflow already holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def find_run(client: MlflowClient, experiment_id: str, tags: dict[str, str]) -> Run | None:
    """Return the finished run with these tags; of unfinished ones nothing stays."""
    query = " and ".join(f"tags.`{name}` = '{text}'" for name, text in tags.items())
    done = None
    for run in client.search_runs([experiment_id], query):
        if run.info.status == "FINISHED":
            done = done or run
        else:
            # Left by a process that was killed; nobody else is at it under the lock.
            client.delete_run(run.info.run_id)
    return done
