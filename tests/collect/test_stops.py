"""A site that blocks, hangs or is down: one line, the state is kept, a rerun continues."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from src.core.errors import UserError
from tests.collect.sites import CRAWL, NOT_FOUND, Response, site
from tests.collect.test_crawl import collected, item, page, pages, photo

HURRIED = CRAWL.model_copy(update={"timeout_s": 0.3, "attempts": 2, "give_up_after": 3})
SHEETS = [page(item(1, "/1.jpg"), item(2)), page(item(3, "/3.jpg"))]
BLOCK = (
    "<html><head><title>Доступ ограничен: проблема с IP</title></head><body><h2>Доступ ограничен:"
    " проблема с IP</h2></body></html>"
).encode()
CAPTCHA = (
    b'<html><body><form><div class="x" data-sitekey="abc"></div>'
    b'<script src="/captcha/api.js"></script></form></body></html>'
)
STRANGE = b"<html><body><div id=app>loading</div></body></html>"


def hangs(path: str) -> Response:
    time.sleep(1)
    return NOT_FOUND


# The site's responses from its second page on, and what the message must say.
PROBLEMS: dict[str, tuple[Callable[[str], Response], str]] = {
    "blocks by status": (lambda _: (403, {}, b""), "blocks us: answered 403"),
    "shows a block page": (lambda _: (200, {}, BLOCK), "it shows a block page"),
    "asks for a captcha": (lambda _: (200, {}, CAPTCHA), "asks for a captcha"),
    "always 429": (lambda _: (429, {}, b""), "cannot be fetched: answered 429"),
    "always 429, an hour": (lambda _: (429, {"Retry-After": "3600"}, b""), "a pause of 3600 s"),
    "always 503": (lambda _: (503, {"Retry-After": "0"}, b""), "cannot be fetched: answered 503"),
    "hangs": (hangs, "cannot be fetched: timed out"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_stops_the_run_with_one_line_and_a_rerun_continues(
    name: str, tmp_path: Path
) -> None:
    problem, words = PROBLEMS[name]
    good = pages(*SHEETS, other=(200, {}, photo()))
    with (
        site(lambda path: problem(path) if "p=2" in path else good(path)) as at,
        pytest.raises(UserError) as stop,
    ):
        collected(at, tmp_path, HURRIED)
    line = str(stop.value)
    assert words in line and "p=2" in line and "\n" not in line
    kept = rf"{tmp_path} keeps what was collected \(listings: 2, photos: [01]\)"
    assert re.search(kept, line)
    assert line.endswith("then run the same command again to continue")
    log: list[str] = []
    with site(good, log) as at:
        listings, found = collected(at, tmp_path, HURRIED)
    assert list(listings) == ["1", "2", "3"] and listings["3"].photo and not found.noted
    assert not any(line.startswith("/moskva/veshchi ") for line in log)


def test_an_unknown_layout_is_not_taken_for_an_empty_category(tmp_path: Path) -> None:
    with site(pages(STRANGE)) as at, pytest.raises(UserError, match="has an unknown layout"):
        collected(at, tmp_path, HURRIED)


def test_no_network_at_all_is_one_line(tmp_path: Path) -> None:
    with site(lambda _: NOT_FOUND) as at:
        pass
    with pytest.raises(UserError, match=r"robots\.txt could not be read \(connection failed\)"):
        collected(at, tmp_path, HURRIED)


def test_photos_that_fail_in_a_row_stop_the_run(tmp_path: Path) -> None:
    # More than may be pending while the next page is read.
    sheet = page(*(item(n, f"/{n}.jpg") for n in range(300)))
    log: list[str] = []
    with (
        site(pages(sheet, other=(403, {}, b"")), log) as at,
        pytest.raises(UserError, match="refuses photos, 3 in a row failed: answered 403"),
    ):
        collected(at, tmp_path, HURRIED)
    assert sum(".jpg" in line for line in log) < 300
    with site(pages(sheet, other=(200, {}, photo()))) as at:
        listings, found = collected(at, tmp_path, CRAWL)
    assert len(listings) == 300 and all(one.photo for one in listings.values()) and not found.noted
