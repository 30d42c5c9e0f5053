"""Photos small enough to travel inside the page."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 112
QUALITY = 72


def thumbnail(pixels: NDArray[np.uint8]) -> str:
    """Return a photo, uint8 [size, size, 3], as the data: URI of a WebP picture of SIDE px."""
    small = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    small.save(content, "WEBP", quality=QUALITY, method=6)
    return "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode("ascii")
