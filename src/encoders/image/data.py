"""Photos of listings as batches, read from the packed array."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from src.core.files import read_json
from src.core.schema import KernelImage, TrainedImage
from src.encoders.common.converted import CONVERTED
from src.encoders.image.augment import Augment
from src.encoders.image.model import ImageClassifier
from src.encoders.image.networks import start_image_network


class ImageData:
    """The listings with a readable photo, as `src.encoders.common.loading.NetworkData`.

    Args:
        table: the prepared listings.
        packed: the folder with photos.npy, uint8 [P, S, S, 3].
        weights: the folder that the weights stage wrote for the row.
    """

    # All photos are of one size.
    lengths = None

    def __init__(
        self,
        table: pd.DataFrame,
        packed: Path,
        weights: Path,
        settings: TrainedImage | KernelImage,
    ) -> None:
        self.rows = np.flatnonzero(table["photo_row"].to_numpy() >= 0)
        self.groups = table["group"].to_numpy(dtype=str)[self.rows]
        self.photo_rows = table["photo_row"].to_numpy()[self.rows]
        self.file = packed / "photos.npy"
        self.weights, self.settings = weights, settings
        self.converted = weights if (weights / CONVERTED).exists() else None
        self.augment: Augment | None = None
        self.views = 0
        if settings.augment == "albumentations":
            self.augment = Augment(np.load(self.file, mmap_mode="r").shape[1])
            self.views = settings.views

    def start(self, classes: Sequence[str]) -> ImageClassifier:
        """Return the network with its first weights, to be fitted."""
        source = read_json(self.weights / "source.json")
        network = start_image_network(self.settings, self.weights, len(classes))
        return ImageClassifier(network, classes, self.settings, source, self.converted)

    def batch(self, rows: NDArray[np.intp]) -> Tensor:
        """Return photos as they are packed, uint8 [B, S, S, 3]."""
        return torch.from_numpy(self._read(rows))

    def augmented_batch(self, rows: NDArray[np.intp], epochs: list[int], seed: int) -> Tensor:
        """Return random views of photos, uint8 [B, S, S, 3]; the photos without augmentation."""
        if self.augment is None:
            return self.batch(rows)
        views = [
            self.augment(photo, (seed, epoch, int(row)))
            for photo, row, epoch in zip(self._read(rows), rows, epochs, strict=True)
        ]
        return torch.from_numpy(np.stack(views))

    def _read(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        # Mapped anew for each batch: photos that stay mapped count as this process's memory.
        photos: NDArray[np.uint8] = np.load(self.file, mmap_mode="r")[self.photo_rows[rows]]
        return photos
