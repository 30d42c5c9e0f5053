"""A local server that speaks enough of the Hub's protocol for the real loaders."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubServer(ThreadingHTTPServer):
    """Serve `repos/<owner>/<name>/` files; `fault` makes it misbehave.

    Faults: a status such as 401, 404 or 503; `gated`; `hang` (accepts and never answers);
    `hang_body` (sends the head of a file and then nothing); `short` (a complete answer that is
    half the announced file).
    """

    daemon_threads = True

    def __init__(self, repos: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos = repos
        self.fault: int | str | None = None
        self.commit = COMMIT
        self.asked: list[str] = []
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self, with_body: bool) -> None:
        path = self.path.split("?")[0]
        self.server.asked.append(f"{self.command} {path}")
        fault = self.server.fault
        if fault == "hang":
            self.server.released.wait(60)
            self.close_connection = True
            return
        if isinstance(fault, int):
            return self._send(fault, b"{}", with_body, {})
        if fault == "gated":
            return self._send(403, b"{}", with_body, {"X-Error-Code": "GatedRepo"})
        resolve = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        info = re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/[^/]+)?", path)
        tree = re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)(/.*)?", path)
        repo = next((found[1] for found in (resolve, info, tree) if found), "")
        folder = self.server.repos / repo
        if not repo or not folder.is_dir():
            return self._send(404, b"{}", with_body, {"X-Error-Code": "RepoNotFound"})
        if info:
            files = [{"rfilename": name} for name in _files(folder)]
            about = {"id": repo, "sha": self.server.commit, "private": False, "siblings": files}
            return self._send(200, json.dumps(about).encode(), with_body, {})
        if tree and not tree[3]:
            listing = [
                {"type": "file", "path": name, "size": file.stat().st_size, "oid": "0" * 40}
                for name, file in _files(folder).items()
            ]
            return self._send(200, json.dumps(listing).encode(), with_body, {})
        file = folder / resolve[3] if resolve else None
        if file is None or not file.is_file():
            missing = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": self.server.commit}
            return self._send(404, b"{}", with_body, missing)
        self._send_file(file.read_bytes(), with_body)

    def _send_file(self, content: bytes, with_body: bool) -> None:
        etag = hashlib.sha256(content).hexdigest()
        headers = {
            "ETag": f'"{etag}"',
            "X-Repo-Commit": self.server.commit,
            "X-Linked-Size": len(content),
        }
        if with_body and self.server.fault == "short" and len(content) > 10_000:
            content = content[: len(content) // 2]
        if with_body and self.server.fault == "hang_body" and len(content) > 10_000:
            headers["Content-Length"] = len(content)
            self._send(200, b"", True, headers)
            self.wfile.flush()
            self.server.released.wait(60)
            self.close_connection = True
            return
        self._send(200, content, with_body, headers)

    def _send(self, status: int, body: bytes, with_body: bool, headers: dict[str, Any]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _files(folder: Path) -> dict[str, Path]:
    """Return the files of a repository by their paths in it."""
    found = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file for file in found}


def use_hub(monkeypatch: pytest.MonkeyPatch, url: str, cache: Path) -> None:
    """Point the loaders at a server and an empty cache, with short time limits."""
    from huggingface_hub import constants

    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.removeprefix(constants.ENDPOINT)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + template)
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.5)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)


@contextmanager
def serving(repos: Path) -> Iterator[HubServer]:
    server = HubServer(repos)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
