"""What stands under the address of a broken photo: nothing that a collector may keep."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

from src.collect.demo.answers import HTML, Answer
from src.collect.demo.market import BAD_PHOTO, Market
from src.collect.demo.texts import pick

# Half a JPEG; a page, a drawing with a script or a program instead; a file too large whose length
# is told or untold; a small file that claims to be a huge picture; nothing; redirects.
KINDS = (
    "truncated", "page", "svg", "program", "giant", "untold", "bomb", "missing", "private", "loop",
)  # fmt: skip
GIANT_BYTES = 12_600_000
BOMB_SIDE = 30_000
_JPEG = {"Content-Type": "image/jpeg"}
_PNG = {"Content-Type": "image/png"}
# Where a visitor from outside must not be led.
_PRIVATE = (
    "http://10.0.0.1/x.jpg",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/x.jpg",
)


def bad_kind(market: Market, index: int) -> str:
    """How the listing's photo is broken: one of KINDS."""
    return pick(KINDS, market.rng(index, BAD_PHOTO))


def bad_photo(market: Market, index: int, path: str) -> Answer:
    """What the broken photo's address `path` answers; the same in every run."""
    rng = market.rng(index, BAD_PHOTO)
    match pick(KINDS, rng):
        case "truncated":
            photo = market.drawn(index)
            return Answer(200, _JPEG, photo[: int(len(photo) * rng.uniform(0.03, 0.3))])
        case "page":
            page = f"<!doctype html><title>404</title><p>Нет фото {rng.integers(10**6)}</p></html>"
            return Answer(200, _JPEG, page.encode())
        case "svg":
            drawing = (
                '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90">'
                f'<script>alert(1)</script><circle r="{rng.integers(5, 40)}"/></svg>'
            )
            return Answer(200, {"Content-Type": "image/svg+xml"}, drawing.encode())
        case "program":
            return Answer(200, _JPEG, b"MZ\x90\0" + rng.bytes(int(rng.integers(200, 4000))))
        case "giant":
            return Answer(200, _PNG, _giant())
        case "untold":
            return Answer(200, {**_PNG, "Connection": "close"}, _giant())
        case "bomb":
            return Answer(200, _PNG, _png(BOMB_SIDE, zlib.compress(bytes(1000))))
        case "private":
            return Answer(302, {"Location": pick(_PRIVATE, rng)}, b"")
        case "loop":
            return Answer(302, {"Location": path}, b"")
    return Answer(404, HTML, "<!doctype html><title>404</title><p>Нет фото</html>".encode())


@lru_cache(maxsize=1)
def _giant() -> bytes:
    # One for all requests: only the socket's buffer is filled anew.
    return _png(640, bytes(GIANT_BYTES))


def _png(side: int, pixels: bytes) -> bytes:
    """A square grey PNG of one bit a pixel; `pixels` are taken as they are, packed or not."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
