"""The page in a real browser: every figure is drawn, nothing complains, nothing hostile runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import lxml.html
import pytest

from src.tracking.times import with_times

NAMES = ("chromium", "chromium-headless-shell", "google-chrome", "chrome")


@pytest.fixture(scope="module")
def browser() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on PATH or in $CHROMIUM")
    return found


def opened(browser: str, page: str, folder: Path, *options: str) -> tuple[str, list[str]]:
    """Return the document as it is after its scripts ran, and what the console said."""
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr",
        "--virtual-time-budget=8000", "--dump-dom", *options, file.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, re.findall(r".*CONSOLE.*", done.stderr)


@pytest.mark.parametrize("size", ["390,844", "1280,900"], ids=["phone", "desk"])
def test_all_is_drawn_and_nothing_complains(
    browser: str, page: str, size: str, tmp_path: Path
) -> None:
    shown, console = opened(browser, page, tmp_path, f"--window-size={size}")
    assert console == []
    assert shown.count('data-drawn="yes"') == 10
    assert shown.count('class="main-svg"') >= 10
    assert "<title>Listing classifier: report</title>" in shown
    assert not lxml.html.document_fromstring(shown).xpath("//img[@onerror]")
    # Of the name in a figure a person reads the signs themselves, escaped once as text is.
    assert re.search(r"<text[^>]*>&lt;img src=", shown)


def test_the_copy_with_times_opens_too(browser: str, page: str, tmp_path: Path) -> None:
    shown, console = opened(browser, with_times(page, {"evaluate": 1.5}), tmp_path)
    assert console == []
    assert "<td>evaluate</td>" in shown


def test_a_script_that_got_in_would_not_run(browser: str, page: str, tmp_path: Path) -> None:
    """So an empty console above means something."""
    broken = page.replace("</main>", "<script>document.title='pwned'</script></main>")
    shown, console = opened(browser, broken, tmp_path)
    assert "<title>Listing classifier: report</title>" in shown
    assert any("Content Security Policy" in line for line in console)
    fetching = page.replace("</main>", '<img src="https://example.org/x.png"></main>')
    _, console = opened(browser, fetching, tmp_path)
    assert any("example.org" in line for line in console)
