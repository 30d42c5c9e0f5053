"""What the URL of a broken photo answers: nothing that a crawler may keep."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

from src.collect.demo.market import BAD_PHOTO, Market
from src.collect.demo.response import HTML, SiteResponse
from src.collect.demo.texts import pick

# Half a JPEG; a page, a drawing with a script or a program instead; too large a file, with its
# length in a header or not; a small file that claims to be a huge image; nothing; redirects.
KINDS = (
    "truncated", "page", "svg", "program", "giant", "untold", "bomb", "missing", "private", "loop",
)  # fmt: skip
GIANT_BYTES = 12_600_000
BOMB_SIDE = 30_000
_JPEG = {"Content-Type": "image/jpeg"}
_PNG = {"Content-Type": "image/png"}
# Where a visitor from outside must not be sent.
_PRIVATE = (
    "http://10.0.0.1/x.jpg",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/x.jpg",
)


def bad_photo(market: Market, index: int, path: str) -> SiteResponse:
    """Return what the broken photo's `path` answers; the same in every run."""
    rng = market.rng(index, BAD_PHOTO)
    match pick(KINDS, rng):
        case "truncated":
            photo = market.drawn(index)
            return SiteResponse(200, _JPEG, photo[: int(len(photo) * rng.uniform(0.03, 0.3))])
        case "page":
            page = f"<!doctype html><title>404</title><p>Нет фото {rng.integers(10**6)}</p></html>"
            return SiteResponse(200, _JPEG, page.encode())
        case "svg":
            drawing = (
                '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90">'
                f'<script>alert(1)</script><circle r="{rng.integers(5, 40)}"/></svg>'
            )
            return SiteResponse(200, {"Content-Type": "image/svg+xml"}, drawing.encode())
        case "program":
            return SiteResponse(200, _JPEG, b"MZ\x90\0" + rng.bytes(int(rng.integers(200, 4000))))
        case "giant":
            return SiteResponse(200, _PNG, _giant())
        case "untold":
            return SiteResponse(200, {**_PNG, "Connection": "close"}, _giant())
        case "bomb":
            return SiteResponse(200, _PNG, _png(BOMB_SIDE, zlib.compress(bytes(1000))))
        case "private":
            return SiteResponse(302, {"Location": pick(_PRIVATE, rng)}, b"")
        case "loop":
            return SiteResponse(302, {"Location": path}, b"")
    return SiteResponse(404, HTML, "<!doctype html><title>404</title><p>Нет фото</html>".encode())


@lru_cache(maxsize=1)
def _giant() -> bytes:
    # Shared by all requests, to save memory.
    return _png(640, bytes(GIANT_BYTES))


def _png(side: int, pixels: bytes) -> bytes:
    """Return a square grey 1-bit PNG; `pixels` are put in as they are, compressed or not."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
