"""Augmentation of photos; the only module that knows albumentations."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Without this, importing albumentations asks the network for a newer version.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


class Augment:
    """Random views of photos that keep what is for sale recognisable.

    Args:
        pixels: side of the photos.
    """

    def __init__(self, pixels: int) -> None:
        import albumentations as A

        self.pipeline: Any = A.Compose(
            [
                A.RandomResizedCrop((pixels, pixels), scale=(0.6, 1.0), ratio=(0.8, 1.25)),
                A.HorizontalFlip(p=0.5),
                A.Affine(rotate=(-15, 15), p=0.5),
                A.ColorJitter(0.2, 0.2, 0.2, 0.05, p=0.7),
                A.OneOf([A.GaussianBlur((3, 5)), A.GaussNoise((0.02, 0.08))], p=0.2),
                A.CoarseDropout(num_holes_range=(1, 3), hole_height_range=(0.05, 0.2),
                                hole_width_range=(0.05, 0.2), p=0.3),
            ]
        )  # fmt: skip

    def __call__(self, photo: NDArray[np.uint8], seed: tuple[int, ...]) -> NDArray[np.uint8]:
        """Return one view, [S, S, 3]; it depends on the photo and the seed alone."""
        number = int(np.random.SeedSequence(seed).generate_state(1)[0])
        self.pipeline.set_random_seed(number)
        view: NDArray[np.uint8] = self.pipeline(image=photo)["image"]
        return view
