"""Training of one image row, from the prepared listings to its files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from src.core.listings import labels_of
from src.core.schema import KernelImage, TrainedImage, Trainer
from src.encoders.common.encoder import Encoder
from src.encoders.common.network import network_encoder
from src.encoders.common.row import train_row
from src.encoders.image.data import ImageData


def train_image(
    table: pd.DataFrame,
    row: str,
    settings: TrainedImage | KernelImage,
    trainer: Trainer,
    seed: int,
    data: Path,
    repeats: int = 1,
    unfinished: Path | None = None,
) -> None:
    """Fit an image row and score all photos.

    Args:
        table: the prepared listings.
        data: the folder `data`; its packed/ and weights/<row>/ are read, embeddings/<row>/ and
            checkpoints/<row>/ are written.
        repeats: how often the row is fitted, each time with another seed.
        unfinished: where fits are kept until the row is done; None for nowhere.

    Raises:
        UserError: there are too few photos, or params.yaml asks for what this machine cannot do.
    """
    encoder = image_encoder(table, row, settings, trainer, seed, data)
    # A kernel machine leaves out groups instead.
    folds = settings.folds if isinstance(settings, TrainedImage) else 0
    train_row([encoder], table, row, folds, seed, data, trainer.nodes, repeats, unfinished)


def image_encoder(
    table: pd.DataFrame,
    row: str,
    settings: TrainedImage | KernelImage,
    trainer: Trainer,
    seed: int,
    data: Path,
) -> Encoder:
    """Return the encoder that a row's settings ask for; arguments as for `train_image`."""
    classes, labels = labels_of(table)
    photos = ImageData(table, data / "packed", data / "weights" / row, settings)
    return network_encoder(photos, labels, classes.tolist(), settings, trainer, seed, row)
