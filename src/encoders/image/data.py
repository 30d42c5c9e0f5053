"""ImageData of listings as batches, read from the packed array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from src.core.errors import UserError
from src.core.files import read_json
from src.encoders.image.augment import Augment
from src.encoders.image.networks import ImageNetwork, started


class ImageData:
    """The listings that have a readable photo, for `src.encoders.common.folds`.

    Attributes:
        rows: positions in the prepared table, [N].
        lengths: None: all photos are of one size.
    """

    lengths = None

    def __init__(self, table: pd.DataFrame, packed: Path, weights: Path, spec: dict[str, Any]):
        if spec["augment"] not in ("none", "albumentations"):
            raise UserError(
                f"augment is {spec['augment']!r}; expected none or albumentations: "
                "set it in params.yaml"
            )
        if spec["augment"] != "none" and spec["tune"] == "head" and spec["views"] < 1:
            raise UserError(
                f"views is {spec['views']}; where only the head is tuned, augmentation needs at "
                "least 1: set it in params.yaml"
            )
        self.rows = np.flatnonzero(table["photo_row"].to_numpy() >= 0)
        self.groups = table["group"].to_numpy(dtype=str)[self.rows]
        self.photo_rows = table["photo_row"].to_numpy()[self.rows]
        self.file = packed / "photos.npy"
        self.weights, self.spec = weights, spec
        # Network and size of its input, by which its speed is known.
        self.what = f"{read_json(weights / 'source.json')['network']}, {spec['size']} px"
        self.augment = None
        if spec["augment"] == "albumentations":
            self.augment = Augment(np.load(self.file, mmap_mode="r").shape[1])

    def network(self, num_classes: int) -> ImageNetwork:
        return started(self.spec, self.weights, num_classes)

    def about(self) -> dict[str, Any]:
        """Return what is needed to build the network again."""
        return {"spec": self.spec, "source": read_json(self.weights / "source.json")}

    def batch(self, rows: NDArray[np.intp]) -> Tensor:
        """Return photos as they are packed, uint8 [B, S, S, 3]."""
        return torch.from_numpy(self._read(rows))

    def varied_batch(self, rows: NDArray[np.intp], epochs: list[int], seed: int) -> Tensor:
        """Return augmented photos, uint8 [B, S, S, 3]; plain ones without augmentation."""
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
