"""Make the pictures of the README from a real run, with a headless Chromium.

python docs/pictures.py data/report/report.html --mlflow http://127.0.0.1:5000

The address is that of `mlflow ui --backend-store-uri sqlite:///mlruns.db`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from PIL import Image

IMAGES = Path(__file__).parent / "images"
CHROMIUM = ("chromium", "chromium-headless-shell", "google-chrome", "chrome")
WIDTH, HEIGHT = 1280, 1220


def find_chromium() -> str | None:
    """Return the browser of $CHROMIUM, or else the first on PATH; None if there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)


def chromium_command(profile: Path, width: int, height: int) -> list[str]:
    """Return the command that opens a page in a window of this size, without its address.

    Args:
        profile: a folder for the browser's own files.
        width, height: of the window, in pixels; Chromium makes it at least 500 wide.

    Raises:
        FileNotFoundError: there is no Chromium.
    """
    browser = find_chromium()
    if browser is None:
        raise FileNotFoundError(
            "no Chromium on PATH or in $CHROMIUM: install one, such as Debian's package chromium"
        )
    # Virtual time passes at once while nothing loads, so that scripts have run to their end.
    return [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--hide-scrollbars", f"--user-data-dir={profile}", f"--window-size={width},{height}",
        "--virtual-time-budget=10000",
    ]  # fmt: skip


def screenshot(url: str, path: Path, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Write the top of a page, as it is after its scripts ran, as a PNG."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "screenshot.png"
        command = chromium_command(Path(folder) / "profile", width, height)
        command += [f"--screenshot={raw}", url]
        subprocess.run(command, capture_output=True, timeout=180, check=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(raw) as image:
            image.convert("RGB").save(path, optimize=True)


def report_picture(report: Path, path: Path = IMAGES / "report.png") -> None:
    """Write the top of the report, in its light colours."""
    screenshot(report.resolve().as_uri(), path)


def mlflow_picture(address: str, path: Path = IMAGES / "mlflow.png") -> None:
    """Write MLflow's list of the rows' runs, those with the highest macro F1 first."""
    rows = quote("tags.kind != 'report'")
    page = f"#/experiments/1/runs?searchFilter={rows}&orderByKey=metrics.%60f1_macro%60"
    screenshot(f"{address}/{page}&orderByAsc=false", path, width=1600, height=800)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("report", type=Path, help="the report of a run, data/report/report.html")
    parser.add_argument("--mlflow", metavar="ADDRESS", help="of MLflow's pages")
    options = parser.parse_args()
    report: Path = options.report
    if not report.is_file():
        sys.exit(f"error: {report} is not a file; expected a report: run `dvc repro` first")
    try:
        report_picture(report)
        if options.mlflow:
            mlflow_picture(options.mlflow)
    except FileNotFoundError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
