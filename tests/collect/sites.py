"""A site that answers as it is told, for tests of the crawler."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from src.collect.fetch import CrawlParams, Fetcher
from src.collect.hosts import Hosts

PARAMS = CrawlParams(
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
# A body in pieces is sent as they come.
Answer = tuple[int, dict[str, str], bytes | Iterator[bytes]]
ABSENT: Answer = (404, {}, b"")


@contextmanager
def site(answer: Callable[[str], Answer], log: list[str] | None = None) -> Iterator[str]:
    """Serve `answer(path)`; every path asked, with the headers of interest, goes to `log`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if log is not None:
                cookie = self.headers.get("Cookie", "-")
                log.append(f"{self.path} cookie {cookie} agent {self.headers['User-Agent']}")
            status, headers, body = answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            # A crawler may well hang up on what it does not want.
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


def fetcher(address: str, params: CrawlParams = PARAMS) -> Fetcher:
    """A fetcher that may ask this one server and nothing else."""
    return Fetcher(params, Hosts(pages=(), photos=(), own=urlsplit(address).netloc))
