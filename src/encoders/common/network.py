"""Which encoder a network's settings ask for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from src.core.schema import KernelImage, KernelText, TrainedImage, TrainedText, Trainer
from src.encoders.common.fine_tune import FineTune
from src.encoders.common.kernel_probe import KernelProbe
from src.encoders.common.linear_probe import LinearProbe
from src.encoders.common.loading import NetworkData


def network_encoder(
    data: NetworkData,
    labels: NDArray[np.int64],
    classes: Sequence[str],
    settings: TrainedImage | TrainedText | KernelImage | KernelText,
    trainer: Trainer,
    seed: int,
    name: str,
) -> FineTune | LinearProbe | KernelProbe:
    """Return the encoder for `tune: full`, `head` or `kernel`.

    Args:
        labels: label of every listing of the prepared table, not only of those that are read.
        name: of the row, for progress bars.
    """
    if isinstance(settings, KernelImage | KernelText):
        return KernelProbe(data, labels, classes, settings, trainer, seed, name)
    encoder = LinearProbe if settings.tune == "head" else FineTune
    return encoder(data, labels, classes, settings, trainer, seed, name)
