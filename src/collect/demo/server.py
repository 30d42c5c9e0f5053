"""Serve the demo's site on this machine.

`python -m src.collect.demo.server --listings 27000 --port 8000` serves it until Ctrl-C, for trying
a crawler by hand; what is not said comes from params.yaml.
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
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from src.collect.demo.answers import Answer
from src.collect.demo.habits import Habits
from src.collect.demo.market import Market
from src.collect.demo.params import DemoParams
from src.collect.demo.site import Site
from src.core.errors import UserError, run_command

_ROBOTS = "User-agent: *\nDisallow: /login\nDisallow: /favorites\n"
# How long a connection may stand idle between two requests.
_IDLE_S = 300


class Seen(NamedTuple):
    """A request as the server saw it; times by `time.monotonic()`.

    `in_flight`: how many requests were being answered when it began, itself included.
    """

    path: str
    started: float
    ended: float
    in_flight: int


@contextmanager
def serve(
    market: Market,
    robots: str = _ROBOTS,
    watch: Callable[[Seen], None] | None = None,
    port: int = 0,
) -> Iterator[str]:
    """Serve the market on this machine; give the site's address, without a slash at its end.

    Port 0 is any free one. `watch` is told of every request after its answer was sent, one call at
    a time. Leaving the context ends every connection. Raises OSError when the port is taken.
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
    daemon_threads = False  # closing the server waits for their last words
    request_queue_size = 128

    def __init__(self, port: int, site: Site, watch: Callable[[Seen], None] | None) -> None:
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

    def done(self, seen: Seen) -> None:
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
        """End the connections that visitors keep open."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A visitor that goes away in the middle is nothing to print a traceback for.
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"  # keeps connections open, so that the client can pool them
    timeout = _IDLE_S
    # Head and body leave together and at once: a kept connection else costs 40 ms an answer.
    disable_nagle_algorithm = True
    wbufsize = 65536
    _reset = False

    def do_GET(self) -> None:
        in_flight, started = self.server.begin(), time.monotonic()
        try:
            self._send(self.server.site.answer(self.path))
        finally:
            self.server.done(Seen(self.path, started, time.monotonic(), in_flight))

    def _send(self, answer: Answer) -> None:
        if answer.status:
            self.send_response(answer.status)
            headers = dict(answer.headers)
            if headers.get("Connection") != "close":
                headers.setdefault("Content-Length", str(len(answer.body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()
        if answer.end == "stalled":
            self.connection.settimeout(self.server.site.market.params.habits.stall_s)
            with suppress(OSError):
                self.connection.recv(1)  # ends early when the visitor gives up
        if answer.end != "open":
            self.close_connection = True
        self._reset = answer.end == "reset"

    def finish(self) -> None:
        super().finish()
        if self._reset:
            # Closed here, before the server says a polite goodbye.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date of an answer: the site lives at the market's moment."""
        return super().date_time_string(self.server.site.market.now.timestamp())

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: every answer would be a line on the user's terminal."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the demo until Ctrl-C."""
    from ruamel.yaml import YAML

    params = YAML(typ="safe").load(Path("params.yaml"))
    demo = params["collect"]["demo"]
    parser = argparse.ArgumentParser(description="Serve the demo marketplace until Ctrl-C.")
    parser.add_argument("--port", type=int, default=0, help="any free one when not given")
    parser.add_argument("--seed", type=int, default=params["seed"])
    own = [field.name for field in fields(DemoParams) if field.name != "habits"]
    habits = [field.name for field in fields(Habits)]
    for names, section in ((own, demo), (habits, demo["habits"])):
        for name in names:
            value = int if name in ("listings", "photo_size") else float
            parser.add_argument(f"--{name.replace('_', '-')}", type=value, default=section[name])
    given = vars(parser.parse_args(arguments))
    chosen = {name: given[name] for name in own}
    chosen["habits"] = {name: given[name] for name in habits}
    market = Market(DemoParams.from_params(chosen), given["seed"])
    try:
        with serve(market, port=given["port"]) as address, suppress(KeyboardInterrupt):
            print(f"{len(market)} listings at {address}; Ctrl-C ends it", flush=True)
            threading.Event().wait()
    except (OSError, OverflowError) as error:
        raise UserError(f"port {given['port']} cannot be had ({error}); choose another") from error


if __name__ == "__main__":
    run_command(main)
