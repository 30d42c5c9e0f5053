"""The page in a real browser: every figure is drawn, nothing complains, nothing hostile runs."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import lxml.html
import pytest

from docs.pictures import chromium_command, find_chromium
from src.tracking.times import with_times

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium on PATH or in $CHROMIUM"
)

# Selects another row and the other colours. A window is at least 500 px wide; a frame inside it
# can be as narrow as a phone.
FRAME = """<!doctype html><iframe id="frame" src="report.html" style="border: 0; width: WIDTHpx">
</iframe><pre id="found"></pre><script>
const frame = document.getElementById("frame");
const until = (done) => new Promise((go) => {
  const look = () => (done() ? go() : setTimeout(look, 20));
  look();
});
frame.onload = async () => {
  const page = frame.contentDocument;
  const seen = () => ({
    row: page.getElementById("fig-per-class").data.find((t) => t.visible !== false).meta.row,
    page: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
    figure: page.querySelector("#fig-f1 .ytick text").style.fill,
    width: page.documentElement.clientWidth,
    beyond: page.documentElement.scrollWidth - page.documentElement.clientWidth,
  });
  await until(() => page.querySelectorAll("[data-drawn]").length === 11);
  const first = seen();
  page.getElementById("row").value = "cnn";
  page.getElementById("row").dispatchEvent(new Event("change"));
  page.getElementById("theme").click();
  await until(() => seen().row === "cnn");
  document.getElementById("found").textContent = JSON.stringify([first, seen()]);
};
</script>"""


def opened(
    page: str, folder: Path, width: int = 1280, height: int = 900, frame: str | None = None
) -> tuple[str, list[str]]:
    """Return the document as it is after its scripts ran, and what the console said.

    With a frame, another page around the report, that page is opened.
    """
    (folder / "report.html").write_text(page, encoding="utf-8")
    (folder / "frame.html").write_text(frame or "", encoding="utf-8")
    command = chromium_command(folder / "profile", width, height) + [
        "--enable-logging=stderr", "--dump-dom", "--allow-file-access-from-files",
        (folder / ("frame.html" if frame else "report.html")).as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, re.findall(r".*CONSOLE.*", done.stderr)


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)], ids=["phone", "desk"])
def test_all_is_drawn_and_nothing_complains(
    page: str, width: int, height: int, tmp_path: Path
) -> None:
    shown, console = opened(page, tmp_path, width, height)
    assert console == []
    assert shown.count('data-drawn="yes"') == 11
    assert shown.count('class="main-svg"') >= 11
    assert "<title>Listing classifier: report</title>" in shown
    assert not lxml.html.document_fromstring(shown).xpath("//img[@onerror]")
    # A name in a figure shows its own signs, escaped once as any text is.
    assert re.search(r"<text[^>]*>&lt;img src=", shown)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_row_and_the_colours_can_be_changed_and_nothing_is_too_wide(
    page: str, width: int, tmp_path: Path
) -> None:
    frame = FRAME.replace("WIDTH", str(width))
    shown, console = opened(page, tmp_path, width=1400, frame=frame)
    assert console == []
    first, then = json.loads(lxml.html.document_fromstring(shown).get_element_by_id("found").text)
    assert (first["row"], then["row"]) == ("stack", "cnn")
    assert first["page"] != then["page"] and first["figure"] != then["figure"]
    assert first["width"] in range(width - 20, width + 1)
    assert first["beyond"] == then["beyond"] == 0


def test_the_copy_with_times_opens_too(page: str, tmp_path: Path) -> None:
    shown, console = opened(with_times(page, {"evaluate": 1.5}), tmp_path)
    assert console == []
    assert "<td>evaluate</td>" in shown


def test_a_script_that_got_in_would_not_run(page: str, tmp_path: Path) -> None:
    """So an empty console above means something."""
    broken = page.replace("</main>", "<script>document.title='pwned'</script></main>")
    shown, console = opened(broken, tmp_path)
    assert "<title>Listing classifier: report</title>" in shown
    assert any("Content Security Policy" in line for line in console)
    fetching = page.replace("</main>", '<img src="https://example.org/x.png"></main>')
    _, console = opened(fetching, tmp_path)
    assert any("example.org" in line for line in console)
