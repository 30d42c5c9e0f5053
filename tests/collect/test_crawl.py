"""The collector against the demo's site, and against sites that misbehave."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from src.collect.crawl import crawl
from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.market import Market
from src.collect.demo.server import Site, serve
from src.collect.fetch import USER_AGENT, CrawlParams, Fetcher, FetchError
from src.collect.found import Found
from src.collect.pages import read_page
from src.errors import UserError

PARAMS = CrawlParams(
    page_delay_s=0, photo_workers=8, timeout_s=2, attempts=3, photo_max_bytes=100_000
)
Answer = tuple[int, dict[str, str], bytes]
ITEM = (
    '<div data-marker="item" data-item-id="{0}"><h3 itemprop="name">Вещь {0}</h3>'
    '<a itemprop="url" href="/moskva/veshchi/x_{0}"></a>'
    '<img itemprop="image" src="{1}"></div>'
)


@contextmanager
def site(answer: Callable[[str], Answer], log: list[str] | None = None) -> Iterator[str]:
    """A site that answers as it is told; robots.txt is absent unless `answer` has it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if log is not None:
                log.append(f"{self.path} {self.headers['User-Agent']}")
            status, headers, body = answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def collected(starts: list[str], photos: Path) -> Found:
    photos.mkdir(exist_ok=True)
    return crawl(starts, read_page, photos, params=PARAMS, hosts=["127.0.0.1"], seed=7)


def one_item(photo: str, photo_answer: Answer = (404, {}, b"")) -> Callable[[str], Answer]:
    page = ITEM.format(17, photo).encode()
    return lambda path: {
        "/robots.txt": (404, {}, b""),
        "/moskva/veshchi": (200, {}, page),
    }.get(path, photo_answer)


def test_the_whole_demo_is_collected_once_and_repeats_byte_for_byte(
    market: Market, tmp_path: Path
) -> None:
    runs = []
    for name in ("a", "b"):
        with serve(market) as address:
            starts = [f"{address}/moskva/{category.slug}" for category in CATEGORIES]
            runs.append(collected(starts, tmp_path / name))
    first, second = runs
    assert Counter(listing.id for listing in first.listings) == Counter(f.id for f in market.facts)
    assert first == second
    files = [{p.name: p.read_bytes() for p in (tmp_path / n).rglob("*.jpg")} for n in ("a", "b")]
    assert files[0] == files[1]
    by_id = {listing.id: listing for listing in first.listings}
    for facts in market.facts:
        listing, photo = by_id[facts.id], market.photo(facts.index)
        assert listing.category == CATEGORIES[facts.shown].slug
        assert listing.price == facts.price
        if photo is None:
            assert listing.photo is None
        else:
            assert (tmp_path / "a" / str(listing.photo)).read_bytes() == photo
        for contact in market.text(facts.index).contacts:
            assert contact not in listing.text
    sellers = {facts.seller for facts in market.facts}
    assert len({listing.seller for listing in first.listings}) == len(sellers)
    assert not sellers & {listing.seller for listing in first.listings}
    assert not first.rejected
    assert {note.reason for note in first.noted} <= {"page repeats listings"}


def test_busy_answers_come_at_their_rate_and_only_once(market: Market) -> None:
    at = Site(market, "")
    paths = [f"/image/{facts.id}.jpg" for facts in market.facts]
    statuses = Counter(at.answer(path)[0] for path in paths)
    assert {429, 503} <= set(statuses)
    busy = (statuses[429] + statuses[503]) / len(paths)
    assert busy == pytest.approx(market.params.busy, abs=0.07)
    assert {at.answer(path)[0] for path in paths} <= {200, 404}


def test_robots_that_forbid_end_the_run(market: Market, tmp_path: Path) -> None:
    with (
        serve(market, robots="User-agent: *\nDisallow: /moskva\n") as address,
        pytest.raises(UserError, match=r"robots\.txt forbids it"),
    ):
        collected([f"{address}/moskva/telefony"], tmp_path / "photos")


def test_robots_that_cannot_be_read_end_the_run(tmp_path: Path) -> None:
    with (
        site(lambda _: (503, {"Retry-After": "0"}, b"")) as address,
        pytest.raises(UserError, match=r"robots\.txt could not be read"),
    ):
        collected([f"{address}/moskva/veshchi"], tmp_path / "photos")


def test_robots_that_forbid_photos_cost_the_photos_only(tmp_path: Path) -> None:
    def answer(path: str) -> Answer:
        if path == "/robots.txt":
            return 200, {}, b"User-agent: *\nDisallow: /image"
        return 200, {}, ITEM.format(17, "/image/17.jpg").encode()

    log: list[str] = []
    with site(answer, log) as address:
        found = collected([f"{address}/moskva/veshchi"], tmp_path / "photos")
    assert [listing.photo for listing in found.listings] == [None]
    assert Counter(note.reason for note in found.noted) == {"photo: robots.txt forbids it": 1}
    assert all(line.endswith(USER_AGENT) for line in log)
    assert not any("/image/" in line for line in log)


@pytest.mark.parametrize(
    ("photo", "answer", "reason"),
    [
        ("/image/1.jpg", (404, {}, b""), "photo: answered 404"),
        ("/image/1.jpg", (503, {"Retry-After": "0"}, b""), "photo: answered 503"),
        ("/image/1.jpg", (429, {"Retry-After": "9999"}, b""), "photo: answered 429 and asks for a"),
        ("/image/1.jpg", (200, {}, b"x" * 100_001), "photo: larger than 100000 bytes"),
        ("/image/1.jpg", (302, {"Location": "/other.jpg"}, b""), "photo: answered 302"),
        ("http://example.org/1.jpg", (200, {}, b"x"), "photo: host not among the allowed ones"),
        ("http://127.0.0.1.example.org/1", (200, {}, b"x"), "photo: host not among the allowed"),
        ("http://localhost:22/1.jpg", (200, {}, b"x"), "photo: host not among the allowed ones"),
        ("http://127.0.0.1:99999/1.jpg", (200, {}, b"x"), "photo: "),
    ],
)
def test_a_photo_that_cannot_be_had_is_noted(
    photo: str, answer: Answer, reason: str, tmp_path: Path
) -> None:
    with site(one_item(photo, answer)) as address:
        found = collected([f"{address}/moskva/veshchi"], tmp_path / "photos")
    assert [listing.photo for listing in found.listings] == [None]
    noted = [note for note in found.noted if note.reason.startswith("photo")]
    assert len(noted) == 1 and noted[0].reason.startswith(reason)
    assert not list((tmp_path / "photos").rglob("*.jpg"))


def test_what_came_is_stored_under_its_content(tmp_path: Path) -> None:
    with site(one_item("/../../x.jpg", (200, {}, b"not a photo"))) as address:
        found = collected([f"{address}/moskva/veshchi"], tmp_path / "photos")
    name = str(found.listings[0].photo)
    assert name[:2] == name[3:5] and name.endswith(".jpg") and len(name) == 3 + 64 + 4
    assert (tmp_path / "photos" / name).read_bytes() == b"not a photo"


def test_paging_ends_when_a_site_shows_the_same_page_again(tmp_path: Path) -> None:
    log: list[str] = []
    with site(one_item("/image/1.jpg"), log) as address:
        first = f"{address}/moskva/veshchi"
        found = collected([first, first], tmp_path / "photos")
    assert len(found.listings) == 1
    assert sum("/moskva/" in line for line in log) <= 3


def test_a_block_ends_the_walk_and_keeps_what_came(tmp_path: Path) -> None:
    log: list[str] = []

    def answer(path: str) -> Answer:
        if path.startswith("/moskva/first?"):
            return 403, {}, b"captcha"
        if path.startswith("/moskva"):
            return 200, {}, ITEM.format(17, "/1.jpg").encode()
        return 404, {}, b""

    with site(answer, log) as address:
        starts = [f"{address}/moskva/first", f"{address}/moskva/second"]
        found = collected(starts, tmp_path / "photos")
    assert len(found.listings) == 1
    assert not any("second" in line for line in log)
    assert "the site blocks us: stopped early" in {note.reason for note in found.noted}


def test_an_empty_start_page_is_reported_as_what_it_is(tmp_path: Path) -> None:
    with site(lambda _: (200, {}, b"<html>robot?</html>")) as address:
        found = collected([f"{address}/moskva/veshchi"], tmp_path / "photos")
    assert not found.listings
    assert [note.reason for note in found.noted] == ["start page without listings"]
    assert found.noted[0].detail == "/moskva/veshchi"


def test_pages_wait_for_each_other_and_retry_after_is_kept(tmp_path: Path) -> None:
    asked: list[tuple[str, float]] = []

    def answer(path: str) -> Answer:
        asked.append((path, time.monotonic()))
        if path == "/a" and [p for p, _ in asked].count("/a") == 1:
            return 429, {"Retry-After": "1"}, b""
        return (404, {}, b"") if path == "/robots.txt" else (200, {}, b"ok")

    params = CrawlParams(0.3, 1, 2, 3, 1000)
    with site(answer) as address, Fetcher(params, ["127.0.0.1"]) as fetcher:
        assert [fetcher.page(f"{address}{path}") for path in ("/a", "/b")] == [b"ok", b"ok"]
    times = [when for _, when in asked[1:]]
    assert times[1] - times[0] >= 1
    assert times[2] - times[1] >= 0.3


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    def answer(path: str) -> Answer:
        if path != "/robots.txt":
            time.sleep(0.6)
        return 404, {}, b""

    params = CrawlParams(0, 1, 0.2, 1, 1000)
    with (
        site(answer) as address,
        Fetcher(params, ["127.0.0.1"]) as fetcher,
        pytest.raises(FetchError, match="timed out"),
    ):
        fetcher.photo(f"{address}/slow.jpg")
