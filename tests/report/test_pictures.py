"""The script that makes the README's picture of the report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from docs.pictures import HEIGHT, WIDTH, find_chromium, report_picture

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium on PATH or in $CHROMIUM")
def test_the_picture_is_the_top_of_the_page_and_small(page: str, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    report_picture(tmp_path / "report.html", tmp_path / "images" / "report.png")
    picture = tmp_path / "images" / "report.png"
    assert picture.stat().st_size < 300_000
    with Image.open(picture) as image:
        assert image.size == (WIDTH, HEIGHT)
        # The page with its figures, not an empty window.
        assert len(image.convert("RGB").getcolors(1 << 24) or []) > 50


def test_a_report_that_is_missing_is_one_line() -> None:
    command = [sys.executable, "docs/pictures.py", "missing.html"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: missing.html is not a file; expected a report: run `dvc repro` first"
    ]
