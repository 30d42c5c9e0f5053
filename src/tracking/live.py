"""The curves of a row in MLflow while it is trained: `python -m src.tracking.live STAGE KEY FILE`.

The training stage starts this, adds lines to the file, and writes `done` to standard input when it
is done. When it dies, standard input just ends. The run has the tags by which `track` finds it
later and completes it, so there is one run for each state of a row.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from src.core.errors import UserError
from src.core.params import stage_params
from src.core.unfinished import repository
from src.predict.mlflow_store import (
    configure_mlflow,
    reason_of,
    store_errors,
    tracking_uri,
    without_password,
)
from src.tracking.commit import commit_tags
from src.tracking.experiment import open_experiment
from src.tracking.rows import LOCK_HASH, is_number, metric_name
from src.tracking.runs import LIVE_TAG, create_run, find_run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

_INTERVAL_S = 2.0
# How often in a row the store may fail; SQLite does while others write.
_ATTEMPTS = 3
# The most points that MLflow takes at once.
_BATCH = 1000


class _Input(Thread):
    """Waits for the end of standard input; `done` says whether the stage is done."""

    done = False

    def run(self) -> None:
        self.done = sys.stdin.read() == "done"


class Viewer:
    """Shows the lines of a file in the run of a row.

    Args:
        stage: that trains the row, e.g. `train_image@cnn`.
        key: hash of the stage's state, as dvc.lock will have it.
    """

    def __init__(self, stage: str, key: str, file: Path, experiment: str) -> None:
        self.stage, self.file, self.experiment = stage, file, experiment
        trained, self.row = stage.split("@")
        self.tags = {"row": f"{trained.removeprefix('train_')}/{self.row}", LOCK_HASH: key}
        self.client: MlflowClient | None = None
        self.run_id: str | None = None
        self.read = 0
        self.lines: list[dict[str, Any]] = []
        self.points: list[Metric] = []
        self.last_steps: dict[str, int] = {}

    def show(self) -> None:
        """Log what was added to the file; raises one of `src.predict.mlflow_store.store_errors`."""
        self.lines += self._new_lines()
        if self.lines and self.client is None:
            self._open()
        for line in self.lines:
            self.points += self._points_of(line)
        self.lines.clear()
        while self.client and self.run_id and self.points:
            self.client.log_batch(self.run_id, metrics=self.points[:_BATCH])
            del self.points[:_BATCH]

    def end(self, done: bool) -> None:
        """Say of the run whether the training was done or killed."""
        if self.client and self.run_id:
            self.client.set_terminated(self.run_id, "FINISHED" if done else "KILLED")

    def _open(self) -> None:
        """Find the run or create it; a run that is complete already is left alone."""
        with open_experiment(self.experiment, repository()) as (client, experiment_id, _):
            found = find_run(client, experiment_id, self.tags)
            if found is None:
                tags = {**self.tags, **commit_tags(), LIVE_TAG: "true"}
                self.run_id = create_run(client, experiment_id, self.row, self.stage, tags)
            elif LIVE_TAG in found.data.tags:
                # The fit was killed and goes on.
                self.run_id = found.info.run_id
                client.update_run(self.run_id, "RUNNING")
                for name in found.data.metrics:
                    history = client.get_metric_history(self.run_id, name)
                    self.last_steps[name] = max(point.step for point in history)
        self.client = client

    def _new_lines(self) -> Iterator[dict[str, Any]]:
        if not self.file.exists():
            return
        with self.file.open("rb") as file:
            file.seek(self.read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.read += len(line)
                try:
                    yield json.loads(line)
                except ValueError:
                    # A killed process has left half a line.
                    continue

    def _points_of(self, line: dict[str, Any]) -> Iterator[Metric]:
        """Turn a line into points, but for those that the run has: a killed fit repeats some."""
        from mlflow.entities import Metric

        by_epoch = "epoch" in line
        step, fit = int(line.pop("epoch" if by_epoch else "step")), line.pop("fit")
        group = fit
        if by_epoch:
            # As `track` calls them, which reads the curves of the first fit.
            group = "epoch" if fit == self.row else f"{fit} by epoch"
        now = int(time.time() * 1000)
        for key, value in line.items():
            name = metric_name(f"{group.replace(',', '').replace('+', 'and')}/{key}")
            if is_number(value) and step > self.last_steps.get(name, -1):
                self.last_steps[name] = step
                yield Metric(name, float(value), now, step)


def main(stage: str, key: str, file: Path) -> None:
    """Show the lines of a file until standard input ends; a store that fails costs one line."""
    # The stage waits for this process, for some seconds at its end.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    stage_input = _Input(daemon=True)
    stage_input.start()
    configure_mlflow()
    from filelock import FileLock

    viewer = Viewer(stage, key, file, stage_params("track").tracking.experiment)
    errors: tuple[type[Exception], ...] = (UserError, *store_errors())
    failed = 0
    # The viewer of a killed fit may still be at its last points.
    with FileLock(f"{file}.lock"):
        while failed < _ATTEMPTS:
            stage_input.join(_INTERVAL_S)
            ended = not stage_input.is_alive()
            try:
                viewer.show()
                if ended:
                    viewer.end(stage_input.done)
                    return
                failed = 0
            except errors as error:
                failed = _ATTEMPTS if ended else failed + 1
                reason = reason_of(error)
    shown = without_password(tracking_uri(repository()))
    print(
        f"warning: the training of {viewer.row} is not shown in MLflow at {shown} ({reason})",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
