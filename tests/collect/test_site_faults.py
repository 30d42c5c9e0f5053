"""The site's faults over a real connection: the first response, and the second."""

from __future__ import annotations

import http.client
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from requests.exceptions import ChunkedEncodingError

from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.faults import TRANSIENT
from src.collect.demo.market import Market
from src.collect.demo.server import serve
from src.collect.demo.site import Site

SLUG = CATEGORIES[0].slug
# Enough for both variants of a fault to occur.
PATHS = [f"/moskva/{SLUG}?p=2&n={n}" for n in range(16)]
Visit = Callable[..., requests.Response]


@contextmanager
def site(large_market: Market, **faults: float) -> Iterator[tuple[Visit, Site, str]]:
    """Serve a market with these faults alone; yield how to visit it, the same site, its URL."""
    none = dict.fromkeys((*TRANSIENT, "relaid"), 0.0)
    settings = large_market.settings
    chosen = settings.faults.model_copy(update=none | faults)
    changes = {"listings": 250, "photo_size": 32, "broken_photo": 0, "faults": chosen}
    market = Market(settings.model_copy(update=changes), 7)
    with serve(market) as url, requests.Session() as session:
        session.trust_env = False
        yield (
            lambda path, timeout=5.0: session.get(url + path, timeout=timeout),
            Site(market, ""),
            url,
        )


def photo_path(at: Site) -> str:
    return next(f"/image/{f.id}.jpg" for f in at.market.facts if f.photo == "informative")


def is_correct(response: requests.Response, at: Site, path: str) -> bool:
    status, headers, body = at.correct_response(path)[:3]
    told = response.headers["Content-Type"], int(response.headers["Content-Length"])
    return (response.status_code, response.content, *told) == (
        status, body, headers["Content-Type"], len(body),
    )  # fmt: skip


def raw(url: str, path: str) -> tuple[bytes, str]:
    """Return everything that a bare connection receives, and how it ends."""
    host, port = url.removeprefix("http://").split(":")
    got = b""
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        try:
            while piece := connection.recv(65536):
                got += piece
        except ConnectionResetError:
            return got, "reset"
    return got, "closed"


def test_busy_asks_to_wait(large_market: Market) -> None:
    with site(large_market, busy=1) as (visit, at, _):
        kinds = set()
        for path in [*PATHS, photo_path(at)]:
            response = visit(path)
            kinds.add((response.status_code, response.headers.get("Retry-After")))
            assert not response.content
            assert is_correct(visit(path), at, path)
    assert kinds == {(429, "1"), (429, None), (503, None)}


def test_a_reset_comes_before_the_response_or_in_the_middle(large_market: Market) -> None:
    with site(large_market, reset=1) as (visit, at, url):
        bare = 0
        for path in [*PATHS, photo_path(at)]:
            got, end = raw(url, path)
            assert end == "reset"
            bare += not got
            if got:
                head, _, body = got.partition(b"\r\n\r\n")
                correct = at.correct_response(path)[2]
                assert f"Content-Length: {len(correct)}".encode() in head
                assert correct.startswith(body) and 0 < len(body) < len(correct)
            assert is_correct(visit(path), at, path)
        assert 3 < bare < len(PATHS) - 3
        for n in range(8):
            with pytest.raises((requests.ConnectionError, ChunkedEncodingError), match="reset"):
                visit(f"{PATHS[0]}&again={n}")


def test_a_stall_is_silent_and_then_closed(large_market: Market) -> None:
    with site(large_market, stall=1, stall_s=0.3) as (visit, at, url):
        started = time.monotonic()
        assert raw(url, PATHS[0]) == (b"", "closed")
        assert 0.3 <= time.monotonic() - started < 20
        assert is_correct(visit(PATHS[0]), at, PATHS[0])
        with pytest.raises(requests.ConnectionError):
            visit(photo_path(at))
        assert is_correct(visit(photo_path(at)), at, photo_path(at))


def test_a_stall_ends_when_the_visitor_gives_up(large_market: Market) -> None:
    started = time.monotonic()
    with site(large_market, stall=1, stall_s=30) as (visit, at, _):
        with pytest.raises(requests.ReadTimeout):
            visit(PATHS[0], timeout=0.1)
        assert is_correct(visit(PATHS[0]), at, PATHS[0])
    assert time.monotonic() - started < 30


def test_a_cut_page_lies_about_its_length_or_does_not(large_market: Market) -> None:
    with site(large_market, cut=1) as (visit, at, _):
        broken: list[str] = []
        for path in PATHS:
            correct = at.correct_response(path)[2]
            try:
                page = visit(path).content
            except ChunkedEncodingError as error:
                broken.append(f"{error}")
            else:
                assert correct.startswith(page) and 0 < len(page) < len(correct)
                assert b"</html>" not in page
            assert is_correct(visit(path), at, path)
    assert 3 < len(broken) < len(PATHS) - 3
    assert all("IncompleteRead" in error for error in broken)


def test_a_misencoded_page_is_not_utf_8(large_market: Market) -> None:
    with site(large_market, misencoded=1) as (visit, at, _):
        foreign = 0
        for path in PATHS:
            response = visit(path)
            assert response.headers["Content-Type"] == "text/html; charset=utf-8"
            with pytest.raises(UnicodeDecodeError):
                response.content.decode()
            if "в Москве" in response.content.decode("windows-1251", "replace"):
                foreign += 1
            else:
                correct, damaged = at.correct_response(path)[2], response.content
                wrong = [b for a, b in zip(correct, damaged, strict=True) if a != b]
                assert set(wrong) == {0xFF} and len(wrong) <= 20
            assert is_correct(visit(path), at, path)
    assert 3 < foreign < len(PATHS) - 3


def test_a_repeated_page_is_page_one(large_market: Market) -> None:
    with site(large_market, repeated=1) as (visit, at, _):
        first = at.correct_response(f"/moskva/{SLUG}")[2]
        assert visit(f"/moskva/{SLUG}?p=1").content == first
        for path in [*PATHS, f"/moskva/{SLUG}?p=77"]:
            assert visit(path).content == first != at.correct_response(path)[2]
            assert is_correct(visit(path), at, path)


def test_a_block_comes_with_403_or_200(large_market: Market) -> None:
    with site(large_market, blocked=1) as (visit, at, _):
        statuses = Counter()
        for path in PATHS:
            response = visit(path)
            statuses[response.status_code] += 1
            assert "Доступ ограничен: проблема с IP" in response.text
            assert 'data-marker="item"' not in response.text and "mfe-state" not in response.text
            assert is_correct(visit(path), at, path)
        assert visit(photo_path(at)).status_code == 200
    assert set(statuses) == {200, 403} and min(statuses.values()) > 3


def test_a_captcha_comes_with_200(large_market: Market) -> None:
    with site(large_market, captcha=1) as (visit, at, _):
        for path in PATHS[:3]:
            response = visit(path)
            assert response.status_code == 200 and "data-sitekey" in response.text
            assert 'src="https://captcha.invalid/' in response.text
            assert "catalog-serp" not in response.text
            assert is_correct(visit(path), at, path)


def test_with_all_faults_a_second_visit_finds_everything(large_market: Market) -> None:
    shares = dict.fromkeys(TRANSIENT, 1 / len(TRANSIENT))
    with site(large_market, **shares, relaid=0.5, stall_s=0.05) as (visit, at, _):
        paths = [f"/moskva/{c.slug}?p={p}" for c in CATEGORIES for p in (1, 2)]
        paths += [f"/image/{facts.id}.jpg" for facts in at.market.facts[:40]]
        wrong = 0
        for path in paths:
            try:
                wrong += not is_correct(visit(path), at, path)
            except (requests.RequestException, KeyError):
                wrong += 1
            assert is_correct(visit(path), at, path)
        assert wrong > len(paths) / 3
        assert visit("/robots.txt").status_code == 200


def test_requests_of_other_methods_leave_the_memory_alone(large_market: Market) -> None:
    with site(large_market, busy=1) as (visit, _, url):
        host = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
        host.request("POST", PATHS[0])
        assert host.getresponse().status == 501
        host.close()
        assert visit(PATHS[0]).status_code in (429, 503)
