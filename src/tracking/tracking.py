"""MLflow holds every row of the table: one run per row and per state of its stage, never two."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

from src.core.files import read_json
from src.tracking.model import log_model
from src.tracking.parent import Report, log_parent
from src.tracking.rows import Row
from src.tracking.runs import UPLOAD_S, commit_tags, log_row

OTHER_PROCESS_S = 60.0
LOG_LATER = "dvc repro --force --single-item track"


@dataclass(frozen=True)
class Logged:
    """How many runs are new, and where the bundle's model is, None without a bundle."""

    new: int
    model: str | None


Event = float | Logged | Exception


def track(
    rows: list[Row],
    experiment: str,
    home: Path,
    bundle: Path | None = None,
    patience_s: float = 20.0,
    report: Report | None = None,
) -> str:
    """Put every row in MLflow and return one line about it; whatever goes wrong is only told.

    With a bundle its model is logged under the run of the fused row that it holds; with a report,
    the rows' runs are children of one that holds it. The store is
    MLFLOW_TRACKING_URI, or a SQLite file in `home`, which must be the repository itself: a queued
    experiment's own folder is thrown away. A store that says nothing for `patience_s` seconds is
    given up.
    """
    # Unless the user says otherwise: MLflow's own patience is ten minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "8")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow  # noqa: F401  slow, so not on the clock below

    for name in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    uri = tracking_uri(home)
    events: Queue[Event] = Queue()

    def work() -> None:
        try:
            events.put(_log_rows(rows, experiment, uri, home, bundle, report, events.put))
        except Exception as error:
            events.put(error)

    # A database driver may wait without end, and only a thread of its own can be left behind.
    Thread(target=work, daemon=True).start()
    # The thread tells how many seconds its next step may take, and at the end what it logged.
    event = _next(events, patience_s)
    while isinstance(event, float):
        event = _next(events, max(event, patience_s))
    shown = _without_password(uri)
    if isinstance(event, Exception):
        reason = _without_password(" ".join(f"{type(event).__name__}: {event}".split()))[:300]
        return f"warning: not logged to MLflow at {shown} ({reason}); log later with `{LOG_LATER}`"
    look = shown if uri.startswith("http") else f"`mlflow ui --backend-store-uri {shown}`"
    serve = f"; serve the model with `mlflow models serve -m {event.model} --env-manager local`"
    return (
        f"MLflow: {len(rows)} runs ({event.new} new) in {shown}; see them with {look}"
        f"{serve if event.model else ''}"
    )


def tracking_uri(home: Path) -> str:
    """Return the store's address; a relative SQLite path starts at `home`."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlruns.db"
    relative = re.fullmatch(r"sqlite:///([^/:].*)", uri)
    return f"sqlite:///{home.resolve() / relative[1]}" if relative else uri


def _next(events: Queue[Event], patience_s: float) -> Event:
    try:
        return events.get(timeout=patience_s)
    except Empty:
        return TimeoutError("the store does not answer")


def _log_rows(
    rows: list[Row],
    experiment: str,
    uri: str,
    home: Path,
    bundle: Path | None,
    report: Report | None,
    progress: Callable[[float], None],
) -> Logged:
    from filelock import FileLock
    from mlflow import MlflowClient

    artifacts = home.resolve() / "mlartifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    progress(OTHER_PROCESS_S)
    chosen = ("fused", read_json(bundle / "bundle.json")["rows"]["fused"]) if bundle else None
    new, model, run_ids = 0, None, []
    # Two experiments that end together would both find no run, and both make one.
    with FileLock(artifacts / ".lock", timeout=OTHER_PROCESS_S):
        progress(0.0)
        client = MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment)
        if found is None:
            # A server chooses its own place; a database alone would choose the current folder.
            where = artifacts.as_uri() if uri.startswith("sqlite:") else None
            experiment_id = client.create_experiment(experiment, artifact_location=where)
        else:
            experiment_id = found.experiment_id
        commit = commit_tags()
        for row in rows:
            progress(0.0)
            run_id, is_new = log_row(client, experiment_id, row, commit, progress)
            run_ids.append(run_id)
            new += is_new
            if bundle and (row.kind, row.name) == chosen:
                progress(UPLOAD_S)
                model = log_model(client, experiment_id, run_id, bundle)
        if report is not None:
            progress(UPLOAD_S)
            log_parent(client, experiment_id, rows, run_ids, report, commit)
    return Logged(new, model)


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//", text)
