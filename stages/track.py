"""Stage track: log every row of the table to MLflow."""

from __future__ import annotations

from pathlib import Path

from src.core.files import write_json
from src.core.params import stage_params
from src.core.timing import run_stage
from src.core.unfinished import repository
from src.tracking.answers import read_tracked_bundle
from src.tracking.datasets import read_tracked_listings
from src.tracking.parent import read_tracked_report
from src.tracking.rows import read_tracked_rows
from src.tracking.tracking import track


def main() -> None:
    tracking, root = stage_params("track").tracking, Path()
    rows = read_tracked_rows(root)
    report, listings = read_tracked_report(root), read_tracked_listings(root)
    bundle = read_tracked_bundle(root, tracking.registered_model, listings)
    # No run ids: the output must not depend on the store.
    states = {
        f"{row.kind}/{row.name}": {"stage": row.stage, "lock_hash": row.lock_hash} for row in rows
    }
    # First, so that a full disk is said once.
    write_json(Path("data/tracking/rows.json"), states)
    print(track(rows, tracking.experiment, repository(), bundle, report, listings))


if __name__ == "__main__":
    run_stage("track", main)
