"""The project's experiment in the store, for one process of one machine at a time."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from src.core.errors import UserError
from src.predict.mlflow_store import (
    is_database,
    is_shared,
    make_file_store,
    require_connection,
    tracking_uri,
    with_time_limits,
    without_password,
)
from src.tracking.moved import follow_project
from src.tracking.turns import own_turn

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment as StoredExperiment

# How long to wait for others that log to the same store; one may be sending a large model.
_LOCK_TIMEOUT_S = 300.0


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
    """Find an experiment or create it; meanwhile no one else looks for runs to create.

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
        # A server chooses its own place; a database would choose the current folder.
        place = artifacts.as_uri() if is_database(uri) else None
        found = _found_or_created(client, name, place)
        if found.lifecycle_stage == "deleted":
            raise UserError(
                f"the experiment {name!r} was deleted; restore it with `MLFLOW_TRACKING_URI="
                f"{shlex.quote(without_password(uri))} mlflow experiments restore --experiment-id "
                f"{found.experiment_id}`, or give tracking.experiment in params.yaml another name"
            )
        number = str(found.experiment_id)
        alone = own_turn(client, number, _LOCK_TIMEOUT_S) if is_shared(uri) else nullcontext()
        with alone:
            yield Experiment(client, number, moved_from)


def _found_or_created(client: MlflowClient, name: str, place: str | None) -> StoredExperiment:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return found
    try:
        return client.get_experiment(client.create_experiment(name, artifact_location=place))
    except MlflowException as error:
        # Another machine may have created it since.
        found = client.get_experiment_by_name(name)
        if found is None or error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return found
