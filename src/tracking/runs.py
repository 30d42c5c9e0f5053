"""One run in MLflow: the parameters, scores, curves, confusions and model files of a row."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING

from src.tracking.confusion import draw_confusion
from src.tracking.rows import TrackedRow, is_number, metric_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

# The most characters that MLflow takes as a parameter's value.
_PARAM_LENGTH = 6000


def log_row(
    client: MlflowClient, experiment_id: str, row: TrackedRow, commit: dict[str, str]
) -> tuple[str, bool]:
    """Find the row's run or create it; return its id and whether it is new.

    Args:
        commit: tags of the commit.
    """
    tag, value = row.key
    key = {"row": f"{row.kind}/{row.name}", tag: value}
    found = find_run(client, experiment_id, key)
    if found:
        logged = found.data.metrics
        # The evaluation may have changed since, though the row's own stage has not.
        if any(logged.get(name) != score for name, score in row.metrics.items()):
            _log_scores(client, found.info.run_id, row)
        return found.info.run_id, False
    tags = {**key, **commit, "kind": row.kind, "dvc.stage": row.stage}
    run_id = client.create_run(experiment_id, tags=tags, run_name=row.name).info.run_id
    _log_params(client, run_id, row)
    _log_curves(client, run_id, row)
    _log_scores(client, run_id, row)
    for file in row.model_files:
        client.log_artifact(run_id, str(file), "model")
    client.set_terminated(run_id)
    return run_id, True


def find_run(client: MlflowClient, experiment_id: str, tags: dict[str, str]) -> Run | None:
    """Return the finished run with these tags; delete the unfinished ones."""
    query = " and ".join(f"tags.`{name}` = '{text}'" for name, text in tags.items())
    found = None
    for run in client.search_runs([experiment_id], query):
        if run.info.status == "FINISHED":
            found = found or run
        else:
            # Left by a process that was killed: under the lock no other process writes it.
            client.delete_run(run.info.run_id)
    return found


def _log_scores(client: MlflowClient, run_id: str, row: TrackedRow) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    client.log_batch(run_id, metrics=[Metric(name, x, now, 0) for name, x in row.metrics.items()])
    if row.confusion:
        figure = draw_confusion(row.confusion, f"{row.kind}/{row.name}")
        with warnings.catch_warnings():
            # The font lacks some scripts and emoji; a name in them is drawn as boxes.
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            client.log_figure(run_id, figure, "confusion.png")


def _log_params(client: MlflowClient, run_id: str, row: TrackedRow) -> None:
    from mlflow.entities import Param

    params = [Param(name, str(value)[:_PARAM_LENGTH]) for name, value in row.params.items()]
    client.log_batch(run_id, params=params)


def _log_curves(client: MlflowClient, run_id: str, row: TrackedRow) -> None:
    if not row.curves:
        return
    import pandas as pd
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    # With a prefix: without it, the same name is the score of the finished model.
    points = [
        Metric(metric_name(f"epoch/{name}"), float(value), now, int(line["epoch"]))
        for line in pd.read_csv(row.curves).to_dict("records")
        for name, value in line.items()
        if name != "epoch" and is_number(value)
    ]
    client.log_batch(run_id, metrics=points)
