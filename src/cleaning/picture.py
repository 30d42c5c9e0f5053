"""Decode photos from untrusted sources: allowed formats only, a pixel limit, upright, RGB."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
MAX_BYTES = 64_000_000
# Phones take photos of 12 to 50 megapixels; a bomb of a few kilobytes can claim thousands.
_MAX_PIXELS = 64_000_000

# Why a photo cannot be used.
NOT_AN_IMAGE = "not an image of an allowed type"
TOO_MANY_PIXELS = "more than 64 megapixels"
BROKEN = "broken or truncated"
MISSING = "the file is missing"
UNREADABLE = "the file cannot be read"
TOO_LARGE = "the file is larger than 64 MB"

# A photo is reduced cheaply to this many times the size asked for, then resampled well: closer to
# resampling the whole photo than any other filter is (benchmarks.photos).
_GAP = 1.4
_JPEG_BEGINS, _JPEG_ENDS = b"\xff\xd8", b"\xff\xd9"
_TAILS = (b"\xaa" * 64, b"\x55" * 64)
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip


class PhotoError(ValueError):
    """A photo that cannot be used; the message is the reason."""


def read_photo(path: Path) -> bytes:
    """Read a photo's file; raises PhotoError if it cannot be used."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PhotoError(TOO_LARGE)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PhotoError(MISSING) from error
    except OSError as error:
        raise PhotoError(UNREADABLE) from error


def check_length(content: bytes) -> bytes:
    """Return a photo's bytes; raises PhotoError if they are too many."""
    if len(content) > MAX_BYTES:
        raise PhotoError(TOO_LARGE)
    return content


def decode(content: bytes, pixels: int) -> Image.Image:
    """Decode a photo's bytes to RGB, upright, `pixels` x `pixels`.

    The whole photo is squeezed into a square: products often reach the edges, which a centre crop
    would cut off, and padding would waste pixels on borders. Raises PhotoError with the reason.
    """
    image = read_picture(content, at_least=int(_GAP * pixels))
    return image.resize((pixels, pixels), Image.Resampling.BICUBIC, reducing_gap=_GAP)


def check_picture(content: bytes) -> None:
    """Raise PhotoError exactly where `decode` does, in less time."""
    read_picture(content, at_least=1)


def read_picture(
    content: bytes, formats: tuple[str, ...] = _FORMATS, at_least: int | None = None
) -> Image.Image:
    """Decode a photo's bytes to RGB, turned upright by its EXIF tag.

    Args:
        formats: Pillow's names of the formats allowed; the content decides, not a file name.
        at_least: the side in pixels that is needed; a larger JPEG may be decoded at a half, a
            quarter or an eighth of its size. None: full size.

    Raises:
        PhotoError: the photo cannot be used.
        ValueError: `at_least` is not positive.
    """
    # Otherwise every photo would seem broken.
    if at_least is not None and at_least < 1:
        raise ValueError(f"a photo cannot be {at_least} pixels wide")
    try:
        try:
            return _read(content, formats, at_least)
        except OSError:
            if not content.startswith(_JPEG_BEGINS):
                raise
            return _read_without_end(content, formats, at_least)
    except Image.DecompressionBombError as error:
        raise PhotoError(TOO_MANY_PIXELS) from error
    except UnidentifiedImageError as error:
        raise PhotoError(NOT_AN_IMAGE) from error
    except MemoryError:
        raise
    # Fuzzed decoders raise OSError, SyntaxError, AssertionError …: no list of types is complete.
    except Exception as error:
        raise PhotoError(BROKEN) from error


def keep_pillow_quiet() -> None:
    """Silence Pillow's warnings of what `read_picture` refuses or ignores anyway."""
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", message="Corrupt EXIF data", category=UserWarning)


def _read(content: bytes, formats: tuple[str, ...], at_least: int | None) -> Image.Image:
    with Image.open(BytesIO(content), formats=formats) as image:
        if image.width * image.height > _MAX_PIXELS:
            raise Image.DecompressionBombError
        if at_least is not None:
            image.draft("RGB", (at_least, at_least))
        image.load()
        return _rgb(_upright(image))


def _read_without_end(
    content: bytes, formats: tuple[str, ...], at_least: int | None
) -> Image.Image:
    """Read a JPEG that lacks its end mark but no pixel; raises OSError if it lacks more.

    The decoder would fill what is missing. So the photo is whole if it does not matter what
    follows: two different tails give the same pixels, at full size, so that this does not depend on
    the size asked for. A progressive one may lack details.
    """
    one, other = (content.removesuffix(b"\xff") + tail + _JPEG_ENDS for tail in _TAILS)
    if _read(one, formats, None).tobytes() != _read(other, formats, None).tobytes():
        raise OSError(BROKEN)
    return _read(one, formats, at_least)


def _upright(image: Image.Image) -> Image.Image:
    # ImageOps.exif_transpose also writes the EXIF data anew, which fails where they are damaged.
    try:
        method = _UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (SyntaxError, ValueError, TypeError, LookupError, struct.error):
        return image
    return image if method is None else image.transpose(method)


def _rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB: 16-bit grey is scaled, transparency is put on white."""
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    # convert() would copy an image that is RGB already.
    return image if image.mode == "RGB" else image.convert("RGB")
