"""What the demo's site sends for an address."""

from __future__ import annotations

from typing import Literal, NamedTuple

HTML = {"Content-Type": "text/html; charset=utf-8"}


class Answer(NamedTuple):
    """Status, headers and body as they go over the wire, and what becomes of the connection.

    Status 0 sends nothing at all. A Content-Length among the headers is sent as it stands, true or
    not; with `Connection: close` none is sent; otherwise it is the body's. `end`: the connection
    stays open, is closed, is reset, or says nothing for a while before it is closed.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    end: Literal["open", "closed", "reset", "stalled"] = "open"
