"""MLflow holds every row of the table: one run per row and per state of its stage, never two."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from src.core.errors import UserError
from src.core.wording import count_of
from src.predict.mlflow_store import (
    configure_mlflow,
    is_database,
    reason_of,
    store_errors,
    tracking_uri,
    without_password,
)
from src.tracking.answers import TrackedBundle
from src.tracking.commit import commit_tags
from src.tracking.datasets import dataset_inputs
from src.tracking.experiment import open_experiment
from src.tracking.model import location_of, log_bundle
from src.tracking.parent import TrackedReport, log_parent
from src.tracking.registry import register
from src.tracking.rows import TrackedRow
from src.tracking.runs import log_row

if TYPE_CHECKING:
    import pandas as pd

LOG_LATER = "dvc repro --force --single-item track"


class _Logged(NamedTuple):
    """What was logged.

    Attributes:
        new: how many runs are new.
        model: where the bundle's model is; None without a bundle.
        version: what was decided about it in the model registry; '' without a bundle.
        moved_from: folders that artifacts were expected in before the project was moved.
    """

    new: int
    model: str | None
    version: str
    moved_from: list[str]


def track(
    rows: list[TrackedRow],
    experiment: str,
    home: Path,
    bundle: TrackedBundle | None = None,
    report: TrackedReport | None = None,
    listings: pd.DataFrame | None = None,
) -> str:
    """Log every row to MLflow and return one line about it.

    Whatever is wrong with the store is said in that line and nothing is raised. Requests to HTTP
    servers and MySQL are limited in time; of PostgreSQL only the connection is, see
    `src.predict.mlflow_store`.

    Args:
        experiment: its name in MLflow.
        home: the folder for a store without a server. It must be the repository itself, because
            the folder of a queued experiment is thrown away.
        bundle: its model is logged under the run of the row that makes its predictions, and is a
            version of the registered model.
        report: the rows' runs become children of a run that holds it.
        listings: of `read_tracked_listings`; they are the datasets of new runs.
    """
    configure_mlflow()
    uri = tracking_uri(home)
    shown = without_password(uri)
    try:
        logged = _log_rows(rows, experiment, home, bundle, report, listings)
    except store_errors() as error:
        return (
            f"warning: not logged to MLflow at {shown} ({reason_of(error)}); "
            f"log later with `{LOG_LATER}`"
        )
    except UserError as error:
        return f"warning: not logged to MLflow at {shown}: {error}; then log with `{LOG_LATER}`"
    quoted = shlex.quote(shown)
    look = f"`mlflow ui --backend-store-uri {quoted}`" if is_database(uri) else shown
    line = (
        f"MLflow: {count_of(len(rows), 'run')} ({logged.new} new) in {shown}; see them with {look}"
    )
    if logged.model:
        model = shlex.quote(logged.model)
        line += f"; serve the model with `mlflow models serve -m {model} --env-manager local`"
        line += f"; {logged.version}"
    if logged.moved_from:
        line += (
            "; the project was moved or copied: its artifacts are now read from its own "
            f"mlartifacts, no longer from {', '.join(logged.moved_from)}"
        )
    return line


def _log_rows(
    rows: list[TrackedRow],
    experiment: str,
    home: Path,
    bundle: TrackedBundle | None,
    report: TrackedReport | None,
    listings: pd.DataFrame | None,
) -> _Logged:
    predicting = bundle.row if bundle else None
    # Made for the first new run, if there is one: it takes a second.
    datasets = cache(lambda: [] if listings is None else dataset_inputs(listings))
    new, model, version, run_ids = 0, None, "", []
    with open_experiment(experiment, home) as (client, experiment_id, moved_from):
        commit = commit_tags()
        for row in rows:
            run_id, is_new = log_row(client, experiment_id, row, commit, datasets)
            run_ids.append(run_id)
            new += is_new
            if bundle and (row.kind, row.name) == predicting:
                logged = log_bundle(client, experiment_id, run_id, bundle)
                model, version = location_of(logged), register(client, logged, bundle)
        if report is not None:
            log_parent(client, experiment_id, rows, run_ids, report, commit)
    return _Logged(new, model, version, moved_from)
