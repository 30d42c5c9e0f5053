"""What the C library does with memory that training frees."""

from __future__ import annotations

import ctypes

# Numbers of glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGE = 2**30


def keep_freed_memory() -> None:
    """Have this process keep what it frees for its next allocations; without glibc a no-op.

    Each step frees large activations and asks for as many again. By default glibc hands them to
    the system and gets fresh pages, zeroed at one fault each: a quarter of a step's time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)
        mallopt(M_TRIM_THRESHOLD, LARGE)
