"""The project's experiment in the store, for one process at a time."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from src.core.errors import UserError
from src.predict.mlflow_store import (
    is_database,
    make_file_store,
    require_connection,
    tracking_uri,
    with_time_limits,
    without_password,
)
from src.tracking.moved import follow_project

if TYPE_CHECKING:
    from mlflow import MlflowClient

# How long to wait for another process that logs to the same store.
_LOCK_TIMEOUT_S = 60.0


class Experiment(NamedTuple):
    """An experiment and the client that reaches it.

    Attributes:
        moved_from: folders that artifacts were expected in before the project was moved.
    """

    client: MlflowClient
    id: str
    moved_from: list[str]


@contextmanager
def open_experiment(name: str, home: Path) -> Iterator[Experiment]:
    """Find an experiment or create it; meanwhile no other process looks for runs to create.

    Args:
        home: the folder for a store without a server.

    Raises:
        UserError: the experiment was deleted.
        Exception: one of `src.predict.mlflow_store.store_errors`.
    """
    from filelock import FileLock
    from mlflow import MlflowClient

    uri = tracking_uri(home)
    artifacts = home.resolve() / "mlartifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    # Two experiments that end at the same time would both find no run, and both create one.
    with FileLock(artifacts / ".lock", timeout=_LOCK_TIMEOUT_S):
        limited = with_time_limits(uri)
        require_connection(limited)
        make_file_store(limited)
        moved_from = follow_project(uri, artifacts)
        client = MlflowClient(tracking_uri=limited)
        found = client.get_experiment_by_name(name)
        if found is None:
            # A server chooses its own place; a database would choose the current folder.
            place = artifacts.as_uri() if is_database(uri) else None
            experiment_id = client.create_experiment(name, artifact_location=place)
        elif found.lifecycle_stage == "deleted":
            raise UserError(
                f"the experiment {name!r} was deleted; restore it with `MLFLOW_TRACKING_URI="
                f"{shlex.quote(without_password(uri))} mlflow experiments restore --experiment-id "
                f"{found.experiment_id}`, or give tracking.experiment in params.yaml another name"
            )
        else:
            experiment_id = found.experiment_id
        yield Experiment(client, experiment_id, moved_from)
