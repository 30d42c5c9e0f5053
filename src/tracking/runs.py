"""One run in MLflow: the parameters, scores, curves, confusions and model files of a row."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from src.tracking.confusion import draw_confusion
from src.tracking.rows import TrackedRow, is_number, metric_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

# Marks a run that shows a training and is not complete yet, see `src.tracking.live`.
LIVE_TAG = "live"
# The most characters that MLflow takes as a parameter's value.
_PARAM_LENGTH = 6000


def log_row(
    client: MlflowClient,
    experiment_id: str,
    row: TrackedRow,
    commit: dict[str, str],
    datasets: Callable[[], list[DatasetInput]] = list,
) -> tuple[str, bool]:
    """Find the row's run or create it; return its id and whether it is new.

    Args:
        commit: tags of the commit.
        datasets: makes the listings that a new run is about.
    """
    tag, value = row.key
    key = {"row": f"{row.kind}/{row.name}", tag: value}
    found = find_run(client, experiment_id, key)
    if found and LIVE_TAG not in found.data.tags:
        logged = found.data.metrics
        # The evaluation may have changed since, though the row's own stage has not.
        if any(logged.get(name) != score for name, score in row.metrics.items()):
            _log_scores(client, found.info.run_id, row)
        return found.info.run_id, False
    if found:
        # It has shown the training and gets the rest.
        run_id = found.info.run_id
    else:
        run_id = create_run(client, experiment_id, row.name, row.stage, key | commit)
    _log_params(client, run_id, row)
    _log_curves(client, run_id, row)
    _log_scores(client, run_id, row)
    client.log_inputs(run_id, datasets())
    for file in row.model_files:
        client.log_artifact(run_id, str(file), "model")
    if found:
        client.delete_tag(run_id, LIVE_TAG)
    client.set_terminated(run_id)
    return run_id, True


def create_run(
    client: MlflowClient, experiment_id: str, name: str, stage: str, tags: dict[str, str]
) -> str:
    """Create the run of a row; return its id.

    Args:
        tags: those by which it is found again, and others.
    """
    about = {"kind": tags["row"].partition("/")[0], "dvc.stage": stage}
    return str(client.create_run(experiment_id, tags=tags | about, run_name=name).info.run_id)


def find_run(client: MlflowClient, experiment_id: str, tags: dict[str, str]) -> Run | None:
    """Return the run with these tags, finished or else with LIVE_TAG; delete all others."""
    query = " and ".join(f"tags.`{name}` = '{text}'" for name, text in tags.items())
    runs = client.search_runs([experiment_id], query)
    live = [run for run in runs if LIVE_TAG in run.data.tags]
    finished = [run for run in runs if run not in live and run.info.status == "FINISHED"]
    kept = [*finished, *live][:1]
    for run in runs:
        if run not in kept:
            # Left by a process that was killed: under the lock no other process writes it.
            client.delete_run(run.info.run_id)
    return kept[0] if kept else None


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
    shown = {
        (name, point.step)
        for name in {point.key for point in points}
        for point in client.get_metric_history(run_id, name)
    }
    points = [point for point in points if (point.key, point.step) not in shown]
    client.log_batch(run_id, metrics=points)
