"""What every request to a local page must be: from this machine, from our own page, and small."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A photo in base64 takes four thirds of its bytes.
MAX_PHOTO_BYTES = 20_000_000
MAX_BODY_BYTES = 28_000_000
# A browser shows an answer only once it has sent its request, so this much is read and dropped.
_MAX_DROPPED_BYTES = 256_000_000

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware that refuses requests of other pages, and those that are too large.

    A page of another site may send requests to this machine, under its own name (Origin) or, after
    DNS rebinding, under the name of its host (Host).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            status, problem = _problem(scope["method"], Headers(scope=scope))
            if not status:
                await self.app(scope, receive, send_guarded)
                return
            await _drop_body(receive)
            await JSONResponse({"error": problem}, status)(scope, receive, send_guarded)


def _problem(method: str, headers: Headers) -> tuple[int, str]:
    """Return the HTTP status to refuse a request with, and why; 0 to let it through."""
    host = headers.get("host", "")
    if host.rpartition(":")[0] not in ("127.0.0.1", "localhost"):
        return 400, f"the host is {host!r}; expected 127.0.0.1 or localhost and a port"
    if method in ("GET", "HEAD"):
        return 0, ""
    if headers.get("origin") != f"http://{host}":
        return 403, "the request is of another page"
    if headers.get("content-type", "").partition(";")[0] != "application/json":
        return 415, "expected JSON"
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdigit():
        return 411, "the request does not say its length"
    if int(length) > MAX_BODY_BYTES:
        return 413, f"more than {MAX_PHOTO_BYTES // 1_000_000} MB; expected a smaller photo"
    return 0, ""


async def _drop_body(receive: Receive) -> None:
    dropped, more = 0, True
    while more and dropped < _MAX_DROPPED_BYTES:
        message = await receive()
        dropped += len(message.get("body", b""))
        more = message.get("more_body", False)
