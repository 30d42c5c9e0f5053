"""The run that holds the report, above the rows' runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from src.tracking.parent import TrackedReport, read_tracked_report
from src.tracking.rows import read_tracked_rows
from src.tracking.tracking import track
from tests.tracking.conftest import mlflow_runs, write


def test_the_report_is_logged_once_as_the_parent_of_the_rows(repo: Path) -> None:
    rows = read_tracked_rows(repo)[:2]
    assert read_tracked_report(repo) is None
    write(repo / "data/report/report.html", "<p>one</p><!--times-->none<!--/times-->")
    write(repo / "dvc.yaml", "stages:\n  train_image: {}\n")
    write(repo / "params.yaml", "rows:\n  image: [cnn]\n")
    write(repo / "data/times/train_image@cnn.json", '{"seconds": 33.1}')
    report = read_tracked_report(repo)
    assert report is not None and report.seconds == {"train_image@cnn": 33.1}
    track(rows, "listings", repo)
    # Known rows are put under it as well.
    for _ in range(2):
        assert "2 runs (0 new)" in track(rows, "listings", repo, report=report)
    (parent,) = [run for run in mlflow_runs(repo) if run.info.run_name == "report"]
    children = [run for run in mlflow_runs(repo) if run.info.run_name != "report"]
    assert len(children) == 2 and parent.info.status == "FINISHED"
    assert {c.data.tags["mlflow.parentRunId"] for c in children} == {parent.info.run_id}
    assert parent.data.metrics["seconds/train_image_cnn"] == 33.1
    logged = repo / "mlartifacts" / parent.info.run_id / "artifacts/report.html"
    assert "<p>one</p>" in logged.read_text() and "33.1 s" in logged.read_text()


def test_a_new_page_about_the_same_rows_replaces_the_old_one(repo: Path) -> None:
    rows = read_tracked_rows(repo)[:2]
    for page in ("one", "two", "two"):
        track(rows, "listings", repo, report=TrackedReport(page, {}))
    (parent,) = [run for run in mlflow_runs(repo) if run.info.run_name == "report"]
    logged = repo / "mlartifacts" / parent.info.run_id / "artifacts/report.html"
    assert logged.read_text() == "two"


def test_another_state_has_its_own_report_and_takes_over_shared_rows(repo: Path) -> None:
    rows = read_tracked_rows(repo)[:2]
    track(rows, "listings", repo, report=TrackedReport("one", {}))
    scores = {"f1_macro": 0.5, "val_f1_macro": 0.4}
    changed = [replace(rows[0], lock_hash="f" * 64, metrics=scores), rows[1]]
    track(changed, "listings", repo, report=TrackedReport("two", {}))
    parents = {r.info.run_id: r for r in mlflow_runs(repo) if r.info.run_name == "report"}
    children = [run for run in mlflow_runs(repo) if run.info.run_name != "report"]
    assert len(parents) == 2 and len(children) == 3
    above = sorted(
        (child.data.tags["row"], "f1_macro/cnn" in parents[parent].data.metrics)
        for child in children
        if (parent := child.data.tags["mlflow.parentRunId"])
    )
    (latest,) = (p.data.metrics for p in parents.values() if "f1_macro/cnn" in p.data.metrics)
    assert latest["val_f1_macro/cnn"] == 0.4
    names = [f"{row.kind}/{row.name}" for row in rows]
    assert above == sorted([(names[0], False), (names[0], True), (names[1], True)])
