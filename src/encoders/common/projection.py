"""Features of one encoder in the space of another, so that one head can read both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

Features = NDArray[np.float32]


def projected(x: Features, own: Features, other: Features) -> Features:
    """Return features [N, D] of one encoder, turned into the space of another.

    By the rotation and shift that bring features of the same M listings closest together
    (orthogonal Procrustes; Schönemann, Psychometrika 1966). It keeps lengths and angles, so
    listings that were not fitted on stay as far from the others as they were.

    Args:
        own, other: features of M listings that both encoders were fitted on, [M, D] each, by the
            encoder of `x` and by the other.
    """
    mean, other_mean = own.mean(0), other.mean(0)
    rotation, _ = orthogonal_procrustes(own - mean, other - other_mean)
    turned: Features = ((x - mean) @ rotation + other_mean).astype(np.float32)
    return turned
