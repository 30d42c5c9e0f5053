"""Stage report: everything about the experiment on one HTML page."""

from __future__ import annotations

from pathlib import Path

from src.core.params import stage_params
from src.core.timing import run_stage
from src.report.render import write_report
from src.report.results import read_results


def main() -> None:
    results = read_results(Path("metrics"), Path("data"))
    write_report(results, stage_params("report"), Path("data/report/report.html"))


if __name__ == "__main__":
    run_stage("report", main)
