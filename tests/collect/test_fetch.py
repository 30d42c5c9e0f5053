"""Single requests: robots.txt, pace, pauses, retries, redirects, limits."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import pytest

from src.collect.errors import FetchError, Forbidden, Unreachable
from src.collect.fetch import USER_AGENT
from src.collect.rate_limiter import RateLimiter
from tests.collect.sites import CRAWL, NOT_FOUND, Response, fetcher, site


def test_robots_are_obeyed_including_wildcards(monkeypatch: pytest.MonkeyPatch) -> None:
    robots = b"User-agent: *\nDisallow: /*?secret\nDisallow: /image$\nAllow: /\n"
    log: list[str] = []
    with (
        site(lambda path: (200, {}, robots if path == "/robots.txt" else b"ok"), log) as at,
        fetcher(at) as fetching,
    ):
        assert fetching.page(f"{at}/a").content == b"ok"
        assert fetching.photo(f"{at}/image/1.jpg") == b"ok"
        for forbidden in ("/b?secret=1", "/image"):
            with pytest.raises(Forbidden):
                fetching.page(at + forbidden)
    assert [line.split()[0] for line in log] == ["/robots.txt", "/a", "/image/1.jpg"]
    assert all(line.endswith(f"cookie - agent {USER_AGENT}") for line in log)


@pytest.mark.parametrize("status", [401, 403, 400])
def test_robots_that_are_refused_forbid_everything(status: int) -> None:
    with site(lambda _: (status, {}, b"")) as at, fetcher(at) as fetching, pytest.raises(Forbidden):
        fetching.page(f"{at}/a")


def test_if_robots_cannot_be_read_nothing_is_requested() -> None:
    log: list[str] = []
    with (
        site(lambda _: (503, {"Retry-After": "0"}, b""), log) as at,
        fetcher(at) as fetching,
        pytest.raises(Unreachable, match=r"robots\.txt could not be read \(answered 503\)"),
    ):
        fetching.page(f"{at}/a")
    assert len(log) == CRAWL.attempts and all(line.startswith("/robots.txt") for line in log)


def test_robots_elsewhere_on_the_site_are_found() -> None:
    answers: dict[str, Response] = {
        "/robots.txt": (301, {"Location": "/rules"}, b""),
        "/rules": (200, {}, b"User-agent: *\nDisallow: /b\n"),
        "/a": (200, {}, b"ok"),
    }
    with site(lambda path: answers.get(path, NOT_FOUND)) as at, fetcher(at) as fetching:
        assert fetching.page(f"{at}/a").content == b"ok"
        with pytest.raises(Forbidden):
            fetching.page(f"{at}/b")


def test_robots_redirected_to_another_host_are_refused() -> None:
    away: Response = (301, {"Location": "http://10.0.0.1/robots.txt"}, b"")
    log: list[str] = []
    with (
        site(lambda _: away, log) as at,
        fetcher(at) as fetching,
        pytest.raises(FetchError, match="host is not allowed"),
    ):
        fetching.page(f"{at}/a")
    assert len(log) == 1


def test_a_crawl_delay_in_robots_is_kept() -> None:
    when: list[float] = []

    def respond(path: str) -> Response:
        when.append(time.monotonic())
        return 200, {}, b"User-agent: *\nCrawl-delay: 0.3\n"

    with site(respond) as at, fetcher(at) as fetching:
        for path in ("/a", "/b", "/c"):
            fetching.page(at + path)
    assert min(later - earlier for earlier, later in itertools.pairwise(when[1:])) >= 0.3


def test_no_cookie_is_kept_and_no_proxy_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    log: list[str] = []
    with (
        site(lambda _: (200, {"Set-Cookie": "a=b; Path=/"}, b""), log) as at,
        fetcher(at) as fetching,
    ):
        fetching.page(f"{at}/a")
        fetching.page(f"{at}/b")
    assert len(log) == 3 and all("cookie - " in line for line in log)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_holds_all_requests_back(form: str) -> None:
    # A date has no fractions of a second.
    value = "1" if form == "seconds" else formatdate(time.time() + 2.5, usegmt=True)
    asked: list[tuple[str, float]] = []
    lock = threading.Lock()

    def respond(path: str) -> Response:
        with lock:
            asked.append((path, time.monotonic()))
            first = path == "/a" and [p for p, _ in asked].count("/a") == 1
        if first:
            return 429, {"Retry-After": value}, b""
        return NOT_FOUND if path == "/robots.txt" else (200, {}, b"ok")

    with site(respond) as at, fetcher(at) as fetching, ThreadPoolExecutor() as pool:
        slow = pool.submit(fetching.page, f"{at}/a")
        while not any(path == "/a" for path, _ in asked):
            time.sleep(0.01)
        time.sleep(0.2)
        assert fetching.page(f"{at}/b").content == slow.result().content == b"ok"
    times = dict(reversed(asked))
    assert times["/b"] - times["/a"] >= 0.9


def test_too_long_a_pause_is_not_waited_for() -> None:
    def respond(path: str) -> Response:
        return NOT_FOUND if path == "/robots.txt" else (429, {"Retry-After": "9999"}, b"")

    log: list[str] = []
    with (
        site(respond, log) as at,
        fetcher(at) as fetching,
        pytest.raises(Unreachable, match="answered 429 and asks for a pause of 9999 s"),
    ):
        fetching.page(f"{at}/a")
    assert len(log) == 2


@pytest.mark.parametrize("delay_s", [0.05, 0.0])
def test_requests_keep_the_delay_and_the_number_at_once(delay_s: float) -> None:
    seen: list[tuple[float, int]] = []
    flying, lock, three = [0], threading.Lock(), threading.Event()

    def respond(path: str) -> Response:
        if path == "/robots.txt":
            return NOT_FOUND
        with lock:
            flying[0] += 1
            seen.append((time.monotonic(), flying[0]))
            if flying[0] == 3:
                three.set()
        if not delay_s:
            three.wait(10)
        with lock:
            flying[0] -= 1
        return 200, {}, b"x" * 1000

    settings = CRAWL.model_copy(update={"photo_delay_s": delay_s, "jitter": 0.5, "at_once": 3})
    with site(respond) as at, fetcher(at, settings) as fetching, ThreadPoolExecutor(3) as pool:
        assert len(list(pool.map(fetching.photo, [f"{at}/{n}.jpg" for n in range(20)]))) == 20
    times = sorted(when for when, _ in seen)
    assert max(number for _, number in seen) <= 3
    assert delay_s or three.is_set()
    if delay_s:
        assert min(b - a for a, b in itertools.pairwise(times)) >= delay_s


def test_nothing_waits_for_a_rate_limiter_once_the_crawl_is_cancelled() -> None:
    cancelled = threading.Event()
    limiter = RateLimiter(30, 0, cancelled)
    with limiter.request():
        pass
    threading.Timer(0.1, cancelled.set).start()
    began = time.monotonic()
    with limiter.request():
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, {}, b""), "answered 404"),
        ((200, {}, b"x" * 100_001), "larger than 100000 bytes"),
        ((302, {"Location": "http://10.0.0.1/1.jpg"}, b""), "host is not allowed"),
        ((302, {"Location": "http://[::1]/1.jpg"}, b""), "host is not allowed"),
        ((301, {"Location": "http://169.254.169.254/"}, b""), "host is not allowed"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "host is not allowed"),
        ((302, {"Location": "/again.jpg"}, b""), "more than 2 redirects"),
        ((302, {}, b""), "answered 302"),
    ],
)
def test_a_response_that_is_refused(answer: Response, reason: str) -> None:
    with (
        site(lambda path: NOT_FOUND if path == "/robots.txt" else answer) as at,
        fetcher(at) as fetching,
        pytest.raises(FetchError) as refused,
    ):
        fetching.photo(f"{at}/1.jpg")
    assert str(refused.value) == reason and not isinstance(refused.value, Unreachable)


def test_a_redirect_within_the_site_is_followed() -> None:
    answers: dict[str, Response] = {"/a": (302, {"Location": "/b"}, b""), "/b": (200, {}, b"ok")}
    with site(lambda path: answers.get(path, NOT_FOUND)) as at, fetcher(at) as fetching:
        answer = fetching.page(f"{at}/a")
    assert answer.content == b"ok" and answer.url == f"{at}/b"


@pytest.mark.parametrize(
    ("header", "charset"),
    [("text/html; charset=windows-1251", "windows-1251"), ("text/html", None), ("", None)],
)
def test_the_charset_is_known_only_if_the_header_names_it(header: str, charset: str | None) -> None:
    with site(lambda _: (200, {"Content-Type": header}, b"")) as at, fetcher(at) as fetching:
        assert fetching.page(f"{at}/a").charset == charset


def test_a_silent_server_times_out() -> None:
    def respond(path: str) -> Response:
        if path != "/robots.txt":
            time.sleep(0.6)
        return NOT_FOUND

    settings = CRAWL.model_copy(update={"timeout_s": 0.2, "attempts": 1})
    with (
        site(respond) as at,
        fetcher(at, settings) as fetching,
        pytest.raises(Unreachable, match="timed out"),
    ):
        fetching.photo(f"{at}/slow.jpg")


def test_a_server_that_sends_too_slowly_is_given_up() -> None:
    def drops() -> Iterator[bytes]:
        for _ in range(100):
            time.sleep(0.03)
            yield b"x" * 100

    def respond(path: str) -> Response:
        return NOT_FOUND if path == "/robots.txt" else (200, {}, drops())

    settings = CRAWL.model_copy(update={"timeout_s": 0.25, "attempts": 1})
    with (
        site(respond) as at,
        fetcher(at, settings) as fetching,
        pytest.raises(FetchError, match="too slow"),
    ):
        fetching.photo(f"{at}/slow.jpg")
