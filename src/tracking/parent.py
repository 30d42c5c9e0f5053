"""The run above the rows' runs: the report on one state of the experiment."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.tracking.rows import TrackedRow, metric_name
from src.tracking.runs import find_run
from src.tracking.times import stage_seconds, with_times

if TYPE_CHECKING:
    from mlflow import MlflowClient

_NAME = "report"
_SCORES = ("val_f1_macro", "f1_macro", "accuracy")


@dataclass(frozen=True)
class TrackedReport:
    """The report's page, and the seconds that each stage took, by its name."""

    page: str
    seconds: dict[str, float]


def read_tracked_report(root: Path) -> TrackedReport | None:
    """Read the report under `root`; None where there is none."""
    file = root / "data" / "report" / "report.html"
    if not file.exists():
        return None
    return TrackedReport(file.read_text(encoding="utf-8"), stage_seconds(root))


def log_parent(
    client: MlflowClient,
    experiment_id: str,
    rows: list[TrackedRow],
    run_ids: list[str],
    report: TrackedReport,
    commit: dict[str, str],
) -> None:
    """Find the run of this state of all rows or create it, and put their runs under it.

    A row that several states share is shown under the state that was tracked last.

    Args:
        run_ids: the runs of the rows.
        commit: tags of the commit.
    """
    state = hashlib.sha256(json.dumps(sorted(row.key for row in rows)).encode()).hexdigest()
    page = hashlib.sha256(report.page.encode()).hexdigest()
    key = {"row": _NAME, "rows.hash": state}
    found = find_run(client, experiment_id, key)
    if found:
        run_id = found.info.run_id
    else:
        tags = {**key, **commit, "kind": _NAME}
        run_id = client.create_run(experiment_id, tags=tags, run_name=_NAME).info.run_id
    # The evaluation or the page itself may have changed, though the rows have not.
    if not found or found.data.tags.get("report.sha256") != page:
        _log_contents(client, run_id, rows, report)
        client.set_tag(run_id, "report.sha256", page)
    for child in run_ids:
        if client.get_run(child).data.tags.get("mlflow.parentRunId") != run_id:
            client.set_tag(child, "mlflow.parentRunId", run_id)
    if not found:
        client.set_terminated(run_id)


def _log_contents(
    client: MlflowClient, run_id: str, rows: list[TrackedRow], report: TrackedReport
) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = {
        f"{score}/{row.name}": row.metrics[score]
        for row in rows
        for score in _SCORES
        if score in row.metrics
    } | {f"seconds/{stage}": value for stage, value in report.seconds.items()}
    client.log_batch(
        run_id, metrics=[Metric(metric_name(name), x, now, 0) for name, x in metrics.items()]
    )
    client.log_text(run_id, with_times(report.page, report.seconds), "report.html")
