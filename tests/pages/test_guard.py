"""What a local page refuses: other pages, other hosts, too much, and files that are not its own."""

from __future__ import annotations

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from src.core.errors import UserError
from src.pages.guard import MAX_BODY_BYTES
from src.pages.server import local_app, serve_locally
from tests.pages.conftest import ADDRESS, client, review, served


@pytest.fixture
def page(tmp_path: Path) -> TestClient:
    return client(review(tmp_path / "anna.csv"))


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8010", "127.0.0.1.evil.example:8010", ""]
)
def test_another_host_is_refused(page: TestClient, host: str) -> None:
    """After DNS rebinding the browser sends the other site's name."""
    answer = page.get("/asked", headers={"host": host})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"the host is {host!r}; expected 127.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1:8010", "localhost:8010"])
def test_this_machine_is_answered(page: TestClient, host: str) -> None:
    origin = {"host": host, "origin": f"http://{host}"}
    assert page.get("/asked", headers=origin).status_code == 200
    assert page.post("/undo", json={}, headers=origin).json() == {"id": None}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_a_post_of_another_page_changes_nothing(
    headers: dict[str, str], status: int, page: TestClient, tmp_path: Path
) -> None:
    given = {"content-type": "application/json"} | headers
    answer = page.post("/decide", content='{"id": "s00", "category": ""}', headers=given)
    assert answer.status_code == status and set(answer.json()) == {"error"}
    assert not (tmp_path / "anna.csv").exists()
    del page.headers["origin"]
    assert page.post("/decide", json={"id": "s00", "category": ""}).status_code == 403


def test_every_answer_forbids_what_the_page_does_not_need(page: TestClient) -> None:
    answers = [page.get(path) for path in ("/", "/files/page.js", "/asked", "/photo/s00", "/no")]
    answers.append(page.get("/asked", headers={"host": "evil.example"}))
    assert [one.status_code for one in answers] == [200, 200, 200, 200, 404, 400]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy and "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/files/../server.py", "/files/%2e%2e/server.py", "/files/..%2f..%2fcore/errors.py",
        "/files//etc/passwd", "/photo/..%2f..%2fetc%2fpasswd", "/photo/%2fetc%2fpasswd",
        "/files/..\\server.py", "/files/%00", "/docs", "/openapi.json",
    ],
)  # fmt: skip
def test_no_other_file_is_reached(path: str, tmp_path: Path) -> None:
    with served(review(tmp_path / "anna.csv")) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status in (400, 404)
        assert b"import" not in answer.read()
        connection.close()


def test_too_much_is_refused_with_a_clear_answer_and_a_length_is_wanted(tmp_path: Path) -> None:
    with served(review(tmp_path / "anna.csv")) as address:
        host = urlsplit(address).netloc
        headers = {"Origin": address, "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.request("POST", "/decide", b"x" * (MAX_BODY_BYTES + 1), headers)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (
            413, b'{"error":"more than 20 MB; expected a smaller photo"}'
        )  # fmt: skip
        connection.request("POST", "/decide", iter([b"{}"]), headers, encode_chunked=True)
        assert connection.getresponse().status == 411
        connection.close()


def test_what_is_no_json_is_one_line(page: TestClient) -> None:
    for content in ("{", "[]", '"x"', '{"id": 1, "category": ""}', '{"id": "s00"}', "\0"):
        answer = page.post("/decide", content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 422
        assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"{", 422, "the request is no JSON"),
        (b'"\xff"', 400, "there was an error parsing the body"),
        (b"[" * 200_000, 400, "there was an error parsing the body"),
    ],
)
def test_a_broken_request_is_told(content: bytes, status: int, said: str, page: TestClient) -> None:
    answer = page.post("/decide", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()) == (status, {"error": said})


def test_an_address_that_is_none_is_told_as_any_error(page: TestClient) -> None:
    for path in ("/nothing", "/files/../review.py", "/files/nothing"):
        answer = page.get(path)
        assert (answer.status_code, answer.json()) == (404, {"error": "not found"})
    assert page.get("/decide").json() == {"error": "method not allowed"}


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with (
        served(review(tmp_path / "anna.csv")) as address,
        pytest.raises(UserError, match=r"^port \d+ is taken .*; give another one with --port"),
    ):
        serve_locally(local_app("ask.html"), int(address.rpartition(":")[2]))


def test_the_pages_name_no_other_machine() -> None:
    files = Path(__file__).parents[2] / "src" / "pages" / "files"
    for path in files.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text and "https:" not in text and "//cdn" not in text, path
        assert "innerHTML" not in text and "eval(" not in text, path
    assert ADDRESS.startswith("http://127.0.0.1")
