"""Packing photos: JPEG files to an array, compared with PIL's convert and resize one by one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from benchmarks.bounds import decoding, share
from benchmarks.compare import compare
from benchmarks.lines import Line, line
from benchmarks.made_photos import make_photos
from src.prepare.pack import pack_photos


def run(quick: bool) -> list[Line]:
    lines = []
    with TemporaryDirectory() as folder:
        for side, count in ((1280, 200), (640, 800)):
            files = make_photos(Path(folder) / str(side), count // 4 if quick else count, side)
            asked: list[tuple[int, int | None]] = [(160, None)]
            if not quick:
                asked.append((224, None))
                if side == 1280:
                    # One core: how much is decoding less, and how much doing it on several.
                    asked.append((160, 1))
            for size, cores in asked:
                compared = compare(
                    (packed, {"files": files, "size": size, "cores": cores}),
                    (stacked, {"files": files, "size": size}),
                    rounds=2 if quick else 4,
                )
                rates = [len(files) / s for s in (compared.ours_s, compared.plain_s)]
                lines.append(
                    line(
                        f"photos: {side} px JPEG to {size} px{', one core' if cores else ''}",
                        compared,
                        at_least=None if cores else 2,
                        bound=""
                        if cores
                        else share(
                            "libjpeg's decoding",
                            len(files) / decoding(files, size),
                            compared.ours_s,
                        ),
                        note=f"{rates[0]:.0f} against {rates[1]:.0f} photos/s; "
                        f"{difference(files[:32], size, compared.ours, compared.plain)}",
                    )
                )
    return lines


def packed(files: list[Path], size: int, cores: int | None) -> Callable[[], Path]:
    """Return our way: `pack_photos`, as the pack stage calls it."""
    if cores is not None:
        os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:cores])
    table = pd.DataFrame({"id": [f.stem for f in files], "photo": [f.name for f in files]})
    out = files[0].parent / "packed"

    def pack() -> Path:
        pack_photos(table, files[0].parent, out, size)
        return out / "photos.npy"

    return pack


def stacked(files: list[Path], size: int) -> Callable[[], Path]:
    """Return the plain way: decode whole photos, resize, stack."""
    out = files[0].parent / "stacked.npy"

    def stack() -> Path:
        photos = [np.asarray(Image.open(f).convert("RGB").resize((size, size))) for f in files]
        np.save(out, np.stack(photos))
        return out

    return stack


def difference(files: list[Path], size: int, ours: Path, plain: Path) -> str:
    """Say how far apart the pixels of the two arrays are, and which is closer to the best result.

    The best is Lanczos over the whole photo in floating point. What another filter would change,
    bilinear instead of bicubic, gives the scale.
    """
    a, b = (np.load(path)[: len(files)].astype(np.float32) for path in (ours, plain))
    if (a == b).all():
        return "equal pixels"
    best = np.stack([_lanczos(file, size) for file in files])
    full = [Image.open(file).convert("RGB") for file in files]
    bilinear = [np.asarray(x.resize((size, size), Image.Resampling.BILINEAR)) for x in full]
    apart = np.abs(a - b)
    return (
        f"pixels differ by {apart.mean():.2f} of 255 on average, at most {apart.max():.0f}, PSNR "
        f"{_psnr(a, b):.1f} dB (bilinear for bicubic: {_psnr(np.stack(bilinear), b):.1f}); "
        f"PSNR to Lanczos in floating point {_psnr(a, best):.1f}, of plain {_psnr(b, best):.1f}"
    )


def _lanczos(file: Path, size: int) -> NDArray[np.float32]:
    channels = np.asarray(Image.open(file).convert("RGB"), np.float32).transpose(2, 0, 1)
    pictures = [Image.fromarray(x).resize((size, size), Image.Resampling.LANCZOS) for x in channels]
    return np.stack([np.asarray(x) for x in pictures], axis=-1).clip(0, 255)


def _psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(np.float32) - b) ** 2)))
