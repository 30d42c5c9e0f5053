"""The demo's server: kept connections, seen requests, shutdown, and the command."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import requests

from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.faults import TRANSIENT
from src.collect.demo.market import Market
from src.collect.demo.server import SeenRequest, main, serve
from src.core.errors import UserError

ROOT = Path(__file__).parents[2]
PAGE = f"/moskva/{CATEGORIES[0].slug}"


@pytest.fixture(scope="module")
def calm(large_market: Market) -> Market:
    """A small market without faults."""
    none = dict.fromkeys((*TRANSIENT, "relaid"), 0.0)
    faults = large_market.settings.faults.model_copy(update=none)
    changes = {"listings": 60, "photo_size": 32, "faults": faults}
    return Market(large_market.settings.model_copy(update=changes), 7)


@pytest.fixture
def connection(calm: Market) -> Iterator[http.client.HTTPConnection]:
    with serve(calm) as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
        yield connection
        connection.close()


def test_one_connection_serves_many_requests_without_waiting(
    connection: http.client.HTTPConnection,
) -> None:
    connection.connect()
    kept = connection.sock
    started = time.monotonic()
    for n in range(100):
        connection.request("GET", ("/robots.txt", f"/nowhere/{n}", f"{PAGE}?p=9")[n % 3])
        response = connection.getresponse()
        assert len(response.read()) == int(response.headers["Content-Length"])
        assert connection.sock is kept
    # With Nagle's algorithm and delayed acknowledgements: 40 ms each, 4 s in all.
    assert time.monotonic() - started < 20


def test_the_dates_of_responses_are_those_of_the_market(
    calm: Market, connection: http.client.HTTPConnection
) -> None:
    connection.request("GET", "/robots.txt")
    assert parsedate_to_datetime(connection.getresponse().headers["Date"]) == calm.now


def test_each_request_is_seen(calm: Market) -> None:
    seen: list[SeenRequest] = []
    before = time.monotonic()
    with serve(calm, watch=seen.append) as url, requests.Session() as session:
        session.trust_env = False
        for path in ("/robots.txt", PAGE, "/nowhere"):
            session.get(url + path, timeout=5)
    assert [one.path for one in seen] == ["/robots.txt", PAGE, "/nowhere"]
    assert [one.in_flight for one in seen] == [1, 1, 1]
    times = [before, *(t for one in seen for t in (one.started, one.ended)), time.monotonic()]
    assert times == sorted(times)


def test_requests_at_the_same_time_are_counted(calm: Market) -> None:
    faults = calm.settings.faults.model_copy(update={"stall": 1.0, "stall_s": 0.5})
    market = Market(calm.settings.model_copy(update={"faults": faults}), 7)
    seen: list[SeenRequest] = []
    paths = [f"{PAGE}?p=1&n={n}" for n in range(4)]
    with serve(market, watch=seen.append) as url:

        def visit(path: str) -> None:
            with pytest.raises(requests.ConnectionError):
                requests.get(url + path, timeout=5)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(visit, paths))
    assert {one.path for one in seen} == set(paths)
    assert sorted(one.in_flight for one in seen) == [1, 2, 3, 4]
    assert all(one.ended - one.started >= 0.5 for one in seen)


def test_a_visitor_that_disconnects_is_no_error(
    calm: Market, capfd: pytest.CaptureFixture[str]
) -> None:
    wrecked = {"listings": 80, "no_photo": 0, "dull_photo": 0, "no_text": 0, "broken_photo": 1}
    market = Market(calm.settings.model_copy(update=wrecked), 7)
    seen: list[SeenRequest] = []
    with serve(market, watch=seen.append) as url:
        for facts in market.facts:
            response = requests.get(
                f"{url}/image/{facts.id}.jpg", timeout=5, stream=True, allow_redirects=False
            )
            response.close()
    assert len(seen) == 80
    assert capfd.readouterr() == ("", "")


def test_leaving_closes_the_site_and_its_connections(calm: Market) -> None:
    with serve(calm) as url:
        kept = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
        kept.request("GET", "/robots.txt")
        kept.getresponse().read()
        port = int(url.rsplit(":", 1)[1])
    assert kept.sock.recv(1) == b""
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/robots.txt", timeout=5)
    with serve(calm, port=port) as again:
        assert again == url
        assert requests.get(f"{again}/robots.txt", timeout=5).status_code == 200


def test_the_command_serves_until_interrupted() -> None:
    command = [sys.executable, "-m", "src.collect.demo.server", "--listings", "60"]
    command += ["--photo-size", "64", "--seed", "3", "--busy", "1"]
    command += [f"--{name}=0" for name in TRANSIENT if name != "busy"]
    # A shell lets what it starts in the background ignore the signal.
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = re.search(r"60 listings at (http://127\.0\.0\.1:\d+)", line)
        assert url, line
        statuses = [requests.get(url[1] + PAGE, timeout=5).status_code for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
    assert statuses[0] in (429, 503) and statuses[1] == 200


def test_what_cannot_be_served_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(
        UserError, match=r"^collect\.demo: faults\.busy is 2\.0; expected a number from 0"
    ):
        main(["--busy", "2"])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} cannot be used"):
            main(["--port", str(port), "--listings", "1"])
