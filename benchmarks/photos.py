"""Photos in: JPEG files to the packed array, against PIL's convert and resize, one by one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.compare import compare
from benchmarks.lines import Line, line
from benchmarks.made_photos import make_photos
from src.prepare.photos import pack_photos


def run(quick: bool) -> list[Line]:
    lines = []
    with TemporaryDirectory() as folder:
        for side, count in ((1280, 200), (640, 400)):
            files = make_photos(Path(folder) / str(side), count // 4 if quick else count, side)
            for size, cores in ((160, None), (224, None), (160, 1)):
                compared = compare(
                    (packed, {"files": files, "size": size, "cores": cores}),
                    (stacked, {"files": files, "size": size}),
                    rounds=3 if quick else 7,
                )
                rates = [len(files) / s for s in (compared.ours_s, compared.plain_s)]
                lines.append(
                    line(
                        f"photos: {side} px JPEG to {size} px{', one core' if cores else ''}",
                        compared,
                        at_least=None if cores else 2,
                        note=f"{rates[0]:.0f} against {rates[1]:.0f} photos/s; "
                        f"{difference(compared.ours, compared.plain)}",
                    )
                )
    return lines


def packed(files: list[Path], size: int, cores: int | None) -> Callable[[], Path]:
    """Ours: `pack_photos`, as the pack stage calls it."""
    if cores is not None:
        os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:cores])
    table = pd.DataFrame({"id": [f.stem for f in files], "photo": [f.name for f in files]})
    out = files[0].parent / "packed"

    def pack() -> Path:
        pack_photos(table, files[0].parent, out, size)
        return out / "photos.npy"

    return pack


def stacked(files: list[Path], size: int) -> Callable[[], Path]:
    """Plain: decode all of a photo, resize, stack."""
    out = files[0].parent / "stacked.npy"

    def stack() -> Path:
        photos = [np.asarray(Image.open(f).convert("RGB").resize((size, size))) for f in files]
        np.save(out, np.stack(photos))
        return out

    return stack


def difference(ours: Path, plain: Path) -> str:
    """How far the pixels of two packed arrays are apart, in words."""
    apart = np.abs(np.load(ours).astype(np.float32) - np.load(plain))
    if not apart.any():
        return "equal pixels"
    return (
        f"pixels differ by {apart.mean():.2f} of 255 on average, at most {apart.max():.0f}, "
        f"PSNR {10 * np.log10(255**2 / np.mean(apart**2)):.1f} dB"
    )
