"""What the demo's site sends in answer to a request."""

from __future__ import annotations

from typing import Literal, NamedTuple

HTML = {"Content-Type": "text/html; charset=utf-8"}


class SiteResponse(NamedTuple):
    """Status, headers and body as they are sent, and what happens to the connection.

    Status 0 sends nothing at all. A Content-Length header is sent as it is, true or not; with
    `Connection: close` none is sent; otherwise it is the body's. `end`: the connection stays open,
    is closed, is reset, or stays silent for a while before it is closed.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    end: Literal["open", "closed", "reset", "stalled"] = "open"
