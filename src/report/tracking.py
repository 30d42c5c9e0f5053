"""MLflow holds every row of the table: one run per row and per state of its stage, never two."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import TYPE_CHECKING

from src.report.confusion import draw_confusion
from src.report.parent import Report, log_parent
from src.report.rows import Row, is_number, metric_name
from src.report.runs import find_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

UPLOAD_S = 600.0
OTHER_PROCESS_S = 60.0
LOG_LATER = "dvc repro --force --single-item track"


def track(
    rows: list[Row],
    experiment: str,
    home: Path,
    patience_s: float = 20.0,
    report: Report | None = None,
) -> str:
    """Put every row in MLflow and return one line about it; whatever goes wrong is only told.

    With a report, the rows' runs are children of one that holds it.

    The store is MLFLOW_TRACKING_URI, or a SQLite file in `home`, which must be the repository
    itself: a queued experiment's own folder is thrown away. A store that says nothing for
    `patience_s` seconds is given up.
    """
    # Unless the user says otherwise: MLflow's own patience is ten minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "8")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow  # noqa: F401  slow, so not on the clock below

    for name in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    uri = tracking_uri(home)
    events: Queue[float | int | Exception] = Queue()

    def work() -> None:
        try:
            events.put(_log_rows(rows, experiment, uri, home, report, events.put))
        except Exception as error:
            events.put(error)

    # A database driver may wait without end, and only a thread of its own can be left behind.
    Thread(target=work, daemon=True).start()
    # The thread tells how many seconds its next step may take, and at the end how many are new.
    event = _next(events, patience_s)
    while isinstance(event, float):
        event = _next(events, max(event, patience_s))
    shown = _without_password(uri)
    if isinstance(event, Exception):
        reason = _without_password(" ".join(f"{type(event).__name__}: {event}".split()))[:300]
        return f"warning: not logged to MLflow at {shown} ({reason}); log later with `{LOG_LATER}`"
    look = shown if uri.startswith("http") else f"`mlflow ui --backend-store-uri {shown}`"
    return f"MLflow: {len(rows)} runs ({event} new) in {shown}; see them with {look}"


def tracking_uri(home: Path) -> str:
    """Return the store's address; a relative SQLite path starts at `home`."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlruns.db"
    relative = re.fullmatch(r"sqlite:///([^/:].*)", uri)
    return f"sqlite:///{home.resolve() / relative[1]}" if relative else uri


def _next(events: Queue[float | int | Exception], patience_s: float) -> float | int | Exception:
    try:
        return events.get(timeout=patience_s)
    except Empty:
        return TimeoutError("the store does not answer")


def _log_rows(
    rows: list[Row],
    experiment: str,
    uri: str,
    home: Path,
    report: Report | None,
    progress: Callable[[float], None],
) -> int:
    from filelock import FileLock
    from mlflow import MlflowClient

    artifacts = home.resolve() / "mlartifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    progress(OTHER_PROCESS_S)
    new = 0
    run_ids = []
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
        commit = _commit()
        for row in rows:
            progress(0.0)
            run_id, is_new = _log_row(client, experiment_id, row, commit, progress)
            run_ids.append(run_id)
            new += is_new
        if report is not None:
            progress(UPLOAD_S)
            log_parent(client, experiment_id, rows, run_ids, report, commit)
    return new


def _log_row(
    client: MlflowClient,
    experiment_id: str,
    row: Row,
    commit: dict[str, str],
    progress: Callable[[float], None],
) -> tuple[str, bool]:
    """Find the row's run or make it; return its id and whether it is new."""
    tag, value = row.key
    which = {"row": f"{row.kind}/{row.name}", tag: value}
    done = find_run(client, experiment_id, which)
    if done:
        known = done.data.metrics
        # The judging may have changed since, though the row's own stage has not.
        if any(known.get(name) != number for name, number in row.metrics.items()):
            _log_scores(client, done.info.run_id, row)
        return done.info.run_id, False
    tags = {**which, **commit, "kind": row.kind, "dvc.stage": row.stage}
    run_id = client.create_run(experiment_id, tags=tags, run_name=row.name).info.run_id
    _log_params_and_curves(client, run_id, row)
    _log_scores(client, run_id, row)
    for file in row.model_files:
        progress(UPLOAD_S)
        client.log_artifact(run_id, str(file), "model")
    progress(0.0)
    client.set_terminated(run_id)
    return run_id, True


def _log_scores(client: MlflowClient, run_id: str, row: Row) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = [Metric(name, number, now, 0) for name, number in row.metrics.items()]
    for start in range(0, len(metrics), 1000):
        client.log_batch(run_id, metrics=metrics[start : start + 1000])
    if row.confusion:
        figure = draw_confusion(row.confusion, f"{row.kind}/{row.name}")
        client.log_figure(run_id, figure, "confusion.png")


def _log_params_and_curves(client: MlflowClient, run_id: str, row: Row) -> None:
    from mlflow.entities import Metric, Param

    params = [Param(name, str(value)[:6000]) for name, value in row.params.items()]
    for start in range(0, len(params), 100):
        client.log_batch(run_id, params=params[start : start + 100])
    if not row.curves:
        return
    import pandas as pd

    now = int(time.time() * 1000)
    # Under a prefix: a score of the same name is the value at the end, not at an epoch.
    points = [
        Metric(metric_name(f"epoch/{name}"), float(value), now, int(line["epoch"]))
        for line in pd.read_csv(row.curves).to_dict("records")
        for name, value in line.items()
        if name != "epoch" and is_number(value)
    ]
    for start in range(0, len(points), 1000):
        client.log_batch(run_id, metrics=points[start : start + 1000])


def _commit() -> dict[str, str]:
    """Return tags with the commit and whether code or parameters differ from it; {} without git."""
    # The run itself rewrites these, so they do not count as changes.
    results = [":!dvc.lock", ":!metrics"]
    try:
        head, changed = (
            subprocess.run(
                ["git", *command], check=True, capture_output=True, text=True, timeout=10
            ).stdout.strip()
            for command in (
                ["rev-parse", "HEAD"],
                ["status", "--porcelain", "--untracked-files=no", "--", ".", *results],
            )
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"mlflow.source.git.commit": head, "git.dirty": str(bool(changed)).lower()}


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//", text)
