"""Serve the demo's site on this machine.

`python -m src.collect.demo.server --listings 27000 --port 8000` serves it until Ctrl-C, to try out
a crawler by hand. Options override params.yaml.
"""

from __future__ import annotations

import argparse
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from src.collect.demo.market import Market
from src.collect.demo.response import SiteResponse
from src.collect.demo.site import Site
from src.core.errors import UserError, run_command
from src.core.params import all_params, override
from src.core.schema import Demo, Faults
from src.core.wording import count_of

_ROBOTS = "User-agent: *\nDisallow: /login\nDisallow: /favorites\n"
# How long a connection may be idle between two requests.
_IDLE_S = 300


class SeenRequest(NamedTuple):
    """A request as the server saw it; times by `time.monotonic()`.

    `in_flight`: how many requests were being answered when it began, including itself.
    """

    path: str
    started: float
    ended: float
    in_flight: int


@contextmanager
def serve(
    market: Market,
    robots: str = _ROBOTS,
    watch: Callable[[SeenRequest], None] | None = None,
    port: int = 0,
) -> Iterator[str]:
    """Serve the market on this machine; yield the site's URL without a slash at the end.

    Port 0 is any free one. `watch` is called after every response, one call at a time. Leaving the
    context closes every connection. Raises OSError if the port is taken.
    """
    server = _Server(port, Site(market, robots), watch)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing the server waits for responses in progress
    request_queue_size = 128

    def __init__(self, port: int, site: Site, watch: Callable[[SeenRequest], None] | None) -> None:
        self.site = site
        self._watch = watch
        self._in_flight = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def begin(self) -> int:
        with self._lock:
            self._in_flight += 1
            return self._in_flight

    def done(self, seen: SeenRequest) -> None:
        with self._lock:
            self._in_flight -= 1
            if self._watch is not None:
                self._watch(seen)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close the connections that visitors keep open."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A visitor that disconnects in the middle is not worth a traceback.
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"  # keeps connections open, so that the client can pool them
    timeout = _IDLE_S
    # Send head and body together at once: otherwise a response on a kept connection takes 40 ms.
    disable_nagle_algorithm = True
    wbufsize = 65536
    _reset = False

    def do_GET(self) -> None:
        in_flight, started = self.server.begin(), time.monotonic()
        try:
            self._send(self.server.site.respond(self.path))
        finally:
            self.server.done(SeenRequest(self.path, started, time.monotonic(), in_flight))

    def _send(self, response: SiteResponse) -> None:
        if response.status:
            self.send_response(response.status)
            headers = dict(response.headers)
            if headers.get("Connection") != "close":
                headers.setdefault("Content-Length", str(len(response.body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.body)
            self.wfile.flush()
        if response.end == "stalled":
            self.connection.settimeout(self.server.site.market.settings.faults.stall_s)
            with suppress(OSError):
                self.connection.recv(1)  # returns early when the visitor gives up
        if response.end != "open":
            self.close_connection = True
        self._reset = response.end == "reset"

    def finish(self) -> None:
        super().finish()
        if self._reset:
            # Closed here, before the server shuts the connection down in an orderly way.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the Date header: for the site it is always the market's time."""
        return super().date_time_string(self.server.site.market.now.timestamp())

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: every response would be a line on the user's terminal."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the demo until Ctrl-C."""
    params = all_params()
    demo = params.collect.demo
    parser = argparse.ArgumentParser(description="Serve the demo marketplace until Ctrl-C.")
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    parser.add_argument("--seed", type=int, default=params.seed)
    own = [name for name in Demo.model_fields if name != "faults"]
    for name in (*own, *Faults.model_fields):
        value = getattr(demo if name in own else demo.faults, name)
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(value), default=value, help="default: %(default)s")
    given = vars(parser.parse_args(arguments))
    changes = {name: given[name] for name in own}
    changes["faults"] = {name: given[name] for name in Faults.model_fields}
    market = Market(override(demo, changes, "collect.demo"), given["seed"])
    try:
        with serve(market, port=given["port"]) as url, suppress(KeyboardInterrupt):
            count = count_of(len(market), "listing")
            print(f"{count} at {url}; Ctrl-C stops the server", flush=True)
            threading.Event().wait()
    except (OSError, OverflowError) as error:
        raise UserError(f"port {given['port']} cannot be used ({error}); choose another") from error


if __name__ == "__main__":
    run_command(main)
