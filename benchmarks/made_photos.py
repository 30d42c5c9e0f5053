"""Made-up photos like those of phones: the demo's products with fine detail and grain."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.drawing import draw_photo


def make_photos(folder: Path, count: int, size: int, seed: int = 7) -> list[Path]:
    """Write JPEGs whose longer side is `size` pixels, quality 85 to 90, 4:2:0; return their paths.

    They have as many bytes per pixel as photos that sites serve, about 0.2: plain drawings are so
    smooth that they decode too fast.
    """
    folder.mkdir(parents=True)
    texture = _texture(2 * size, seed)

    def make(number: int) -> Path:
        rng = np.random.default_rng([seed, number])
        category = CATEGORIES[int(rng.integers(len(CATEGORIES)))]
        thing = category.things[int(rng.integers(len(category.things)))]
        pixels = np.asarray(draw_photo(thing.glyph, size, rng), np.float32)
        height, width = pixels.shape[:2]
        y, x = rng.integers(0, 2 * size - np.array([height, width]))
        pixels = pixels + rng.uniform(6, 18) * texture[y : y + height, x : x + width, None]
        pixels += rng.standard_normal((height, width, 1), dtype=np.float32) * rng.uniform(0.5, 2.5)
        path = folder / f"{number}.jpg"
        photo = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        photo.save(path, quality=int(rng.integers(85, 91)), subsampling="4:2:0")
        return path

    with ThreadPoolExecutor() as pool:
        return list(pool.map(make, range(count)))


def _texture(side: int, seed: int) -> NDArray[np.float32]:
    """Random detail whose amplitude falls as 1/frequency, as in natural scenes; mean 0, std 1."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.standard_normal((side, side)))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = np.inf
    texture = np.fft.irfft2(spectrum / frequency)
    return (texture / texture.std()).astype(np.float32)
