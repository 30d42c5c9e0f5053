"""Decode a photo from anywhere: formats that are allowed, a cap on pixels, upright, RGB."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
# A phone's photo has 12-50 megapixels; a bomb of a few kilobytes can claim thousands.
MAX_PIXELS = 64_000_000

NO_PICTURE = "not a picture of an allowed type"
TOO_MANY_PIXELS = "more than 64 megapixels"
BROKEN = "broken or truncated"

MAX_BYTES = 64_000_000

# Photos are halved cheaply while they stay so many times larger than asked for, then resized well:
# nearer to resizing the whole photo than another filter would be (benchmarks.photos).
GAP = 1.4

MISSING = "the file is missing"
UNREADABLE = "the file cannot be read"
TOO_LARGE = "the file is larger than 64 MB"


def read_picture(
    content: bytes, formats: tuple[str, ...] = FORMATS, at_least: int | None = None
) -> Image.Image:
    """Decode a photo's bytes to RGB, upright by its EXIF tag; whatever else it carries is dropped.

    The type is told from the content. A JPEG may come out smaller than it is, by 2, 4 or 8, where
    `at_least` names the side in pixels that is still needed. Raises ValueError with the reason.
    """
    try:
        with Image.open(BytesIO(content), formats=formats) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(TOO_MANY_PIXELS)
            if at_least is not None:
                image.draft("RGB", (at_least, at_least))
            image.load()
            _turn_upright(image)
            return _rgb(image)
    except Image.DecompressionBombError as error:
        raise ValueError(TOO_MANY_PIXELS) from error
    except UnidentifiedImageError as error:
        raise ValueError(NO_PICTURE) from error
    except ValueError as error:
        raise ValueError(TOO_MANY_PIXELS if TOO_MANY_PIXELS in str(error) else BROKEN) from error
    except Exception as error:  # Decoders raise almost anything on broken files.
        raise ValueError(BROKEN) from error


def _turn_upright(image: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:
        image.getexif().pop(ExifTags.Base.Orientation, None)


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB: 16-bit greys scaled, transparency laid over white."""
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    # Converting would copy what is RGB already.
    return image if image.mode == "RGB" else image.convert("RGB")


def read_photo(path: Path) -> bytes:
    """Read a photo's file; raises ValueError with the reason where that cannot be."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(TOO_LARGE)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ValueError(MISSING) from error
    except OSError as error:
        raise ValueError(UNREADABLE) from error


def decode(content: bytes, size: int) -> Image.Image:
    """Decode a photo's bytes to RGB, upright, `size` x `size`.

    The whole picture is squashed to a square: goods often reach the edges, which a centre crop
    would cut off, and padding would spend pixels on borders. Raises ValueError with the reason.
    """
    image = read_picture(content, at_least=int(GAP * size))
    return image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=GAP)


def keep_pillow_quiet() -> None:
    """Silence what `decode` refuses by its own cap, with a reason in place of a warning."""
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", message="Corrupt EXIF data", category=UserWarning)
