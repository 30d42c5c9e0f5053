"""Features of one encoder in the space of another, so that one head can read both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV

Features = NDArray[np.float32]
# How strongly the map is held back, for features whose length is 1 on average.
_PENALTIES = np.logspace(-4, 2, 7)


def projected(x: Features, own: Features, other: Features) -> Features:
    """Return features [N, D] of one encoder, mapped into the space of another.

    By the linear map that ridge regression finds on M listings, its penalty chosen by
    leave-one-out (Golub, Heath and Wahba, Technometrics 1979).

    Args:
        own, other: features of M listings that both encoders were fitted on, [M, D] each, by the
            encoder of `x` and by the other.
    """
    length = np.sqrt(own.var(0).sum()) or 1.0
    fitted = RidgeCV(_PENALTIES).fit(own / length, other)
    mapped: Features = fitted.predict(x / length).astype(np.float32)
    return mapped
