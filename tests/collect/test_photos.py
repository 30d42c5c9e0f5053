"""Which photos are accepted, and what is kept of them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from src.cleaning.picture import BROKEN, NOT_AN_IMAGE, TOO_MANY_PIXELS
from src.collect.collected import clean_photo

SECRET = b"56.7123N 37.8123E"


def picture(kind: str = "JPEG", mode: str = "RGB", **options: object) -> bytes:
    buffer = BytesIO()
    image = Image.radial_gradient("L").resize((60, 40)).convert(mode)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", NOT_AN_IMAGE),
        (b"<html><body>404</body></html>", NOT_AN_IMAGE),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', NOT_AN_IMAGE),
        (b"MZ\x90\0" + bytes(500), NOT_AN_IMAGE),
        (picture("GIF", "P"), NOT_AN_IMAGE),
        (picture("TIFF"), NOT_AN_IMAGE),
        (picture("PDF"), NOT_AN_IMAGE),
        (picture("ICO"), NOT_AN_IMAGE),
        (picture()[:300], BROKEN),
        (picture("PNG")[:-60], BROKEN),
        (bomb(), TOO_MANY_PIXELS),
    ],
)
def test_what_is_not_a_photo_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        clean_photo(content)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"),
     ("PNG", "I;16"), ("WEBP", "RGB")],
)  # fmt: skip
def test_a_photo_becomes_a_plain_jpeg(kind: str, mode: str) -> None:
    with Image.open(BytesIO(clean_photo(picture(kind, mode)))) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (60, 40))


def test_metadata_are_removed_and_the_photo_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, SECRET.decode()
    exif.get_ifd(0x8825)[29] = SECRET.decode()
    told = picture(exif=exif, comment=SECRET, icc_profile=SECRET, xmp=SECRET)
    info = PngImagePlugin.PngInfo()
    info.add_text("where", SECRET.decode())
    for content, size in ((told, (40, 60)), (picture("PNG", pnginfo=info), (60, 40))):
        assert SECRET in content
        cleaned = clean_photo(content + SECRET)
        assert SECRET not in cleaned
        with Image.open(BytesIO(cleaned)) as image:
            assert image.size == size and not image.getexif()
            assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_the_same_photo_gives_the_same_bytes() -> None:
    assert clean_photo(picture()) == clean_photo(picture())
