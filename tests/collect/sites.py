"""A site with given responses, for tests of the crawler."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from src.collect.fetch import Fetcher
from src.collect.hosts import Hosts
from src.core.schema import Crawl

CRAWL = Crawl(
    page_delay_s=0,
    photo_delay_s=0,
    jitter=0,
    at_once=8,
    timeout_s=2,
    attempts=3,
    longest_pause_s=60,
    give_up_after=20,
    redirects=2,
    photo_max_bytes=100_000,
)
# Status, headers, body; a body in pieces is sent piece by piece.
Response = tuple[int, dict[str, str], bytes | Iterator[bytes]]
NOT_FOUND: Response = (404, {}, b"")


@contextmanager
def site(respond: Callable[[str], Response], log: list[str] | None = None) -> Iterator[str]:
    """Serve `respond(path)`; every request with its headers of interest is added to `log`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if log is not None:
                cookie = self.headers.get("Cookie", "-")
                log.append(f"{self.path} cookie {cookie} agent {self.headers['User-Agent']}")
            status, headers, body = respond(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            # A crawler may hang up on what it does not want.
            with suppress(OSError):
                for piece in [body] if isinstance(body, bytes) else body:
                    self.wfile.write(piece)

        def log_message(self, format: str, *args: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fetcher(url: str, settings: Crawl = CRAWL) -> Fetcher:
    """Return a fetcher that may request this one server and nothing else."""
    return Fetcher(settings, Hosts(pages=(), photos=(), local=urlsplit(url).netloc))
