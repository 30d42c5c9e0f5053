"""One run in MLflow: parameters, scores, curves, the picture and the files of a row."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from src.tracking.confusion import draw_confusion
from src.tracking.rows import Row, is_number, metric_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

UPLOAD_S = 600.0


def log_row(
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


def commit_tags() -> dict[str, str]:
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
