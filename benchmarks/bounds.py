"""What this machine can do at most, measured beside what is judged by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from src.core.parallel import in_order

TIMES = 5


def share(of: str, least_s: float, ours_s: float) -> str:
    """Say how much of a bound is reached: 0.5 where ours takes twice as long as it must."""
    return f"{least_s / ours_s:.2f} of {of}"


@lru_cache(maxsize=1)
def sgemm() -> float:
    """Return the operations a second of a matrix product in float32, on all cores."""
    side = 2048
    a, b = (np.random.default_rng(n).normal(size=(side, side)).astype(np.float32) for n in (0, 1))
    return 2 * side**3 / fastest(lambda: a @ b)


def copying() -> float:
    """Return the bytes a second at which memory is copied."""
    source = np.ones(2**27, np.uint8)
    target = np.empty_like(source)
    return source.nbytes / fastest(lambda: np.copyto(target, source))


def decoding(files: list[Path], pixels: int) -> float:
    """Return the photos a second that libjpeg decodes, scaled down as far as it can, on all cores.

    Args:
        pixels: side that the photos must still have.
    """
    return len(files) / fastest(
        lambda: [None for _ in in_order(lambda f: _decoded(f, pixels), files)]
    )


def _decoded(file: Path, pixels: int) -> None:
    with Image.open(file) as photo:
        photo.draft("RGB", (pixels, pixels))
        photo.load()


def operations(network: Any, *inputs: Any) -> float:
    """Return how many operations PyTorch counts in a network's `features` of some inputs."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter, torch.inference_mode():
        network.eval().features(*inputs)
    return float(counter.get_total_flops())


def fastest(work: Callable[[], Any]) -> float:
    """Return the seconds of the fastest of some calls: a bound has no bad moments."""
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)
