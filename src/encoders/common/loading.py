"""Listings and frozen features as batches for PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from src.encoders.common.batches import OrderedBatches, TrainBatches
from src.encoders.common.network_classifier import Batch, NetworkClassifier


class NetworkData(Protocol):
    """The listings that a network reads: `src.encoders.image.data`, `src.encoders.text.data`.

    Attributes:
        rows: positions in the prepared table, [N].
        groups: near-duplicate groups, [N].
        views: random views of each listing from which a head on frozen features learns.
        converted: the folder with the network as OpenVINO reads it; None where it is not converted.
        lengths: number of tokens, [N], or None where all listings are of one size.
    """

    rows: NDArray[np.intp]
    groups: NDArray[np.str_]
    views: int
    converted: Path | None

    @property
    def lengths(self) -> NDArray[np.int64] | None: ...

    def start(self, classes: Sequence[str]) -> NetworkClassifier:
        """Return the network with its first weights, to be fitted."""
        ...

    def batch(self, rows: NDArray[np.intp]) -> Batch: ...

    def augmented_batch(self, rows: NDArray[np.intp], epochs: list[int], seed: int) -> Batch: ...


class ListingRows(Dataset[Any]):
    """Listings with their labels, read a batch at a time.

    Args:
        seed: of augmentation; None for listings as they are.
        view: which random view of the listings to read, counted as an epoch.
    """

    def __init__(
        self,
        data: NetworkData,
        labels: NDArray[np.int64],
        rows: NDArray[np.intp],
        seed: int | None = None,
        view: int = 0,
    ) -> None:
        self.data, self.labels, self.rows, self.seed, self.view = data, labels, rows, seed, view

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, keys: list[tuple[int, int]]) -> tuple[Batch, Tensor]:
        rows = self.rows[[row for _, row in keys]]
        y = torch.from_numpy(self.labels[rows])
        if self.seed is None:
            return self.data.batch(rows), y
        epochs = [epoch + self.view for epoch, _ in keys]
        return self.data.augmented_batch(rows, epochs, self.seed), y


class FeatureRows(Dataset[Any]):
    """Frozen features with their labels; each epoch reads the next of the views."""

    def __init__(
        self, views: list[Tensor], labels: NDArray[np.int64], rows: NDArray[np.intp]
    ) -> None:
        self.views, self.labels, self.rows = views, labels, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, keys: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        rows = self.rows[[row for _, row in keys]]
        x = self.views[keys[0][0] % len(self.views)]
        return x[rows], torch.from_numpy(self.labels[rows])


def make_loader(
    rows: Dataset[Any], batches: TrainBatches | OrderedBatches, workers: int = 0
) -> DataLoader[Any]:
    """Return a loader of batches of rows."""
    return DataLoader(
        rows,
        batch_sampler=batches,
        # __getitems__ gives whole batches; collating them again would only copy.
        collate_fn=_unchanged,
        num_workers=workers,
        # Workers that last draw a seed once; after a kill, they would draw it once more.
        generator=torch.Generator() if workers else None,
        persistent_workers=workers > 0,
        # A GPU computes while a batch is copied to it from pinned memory.
        pin_memory=torch.cuda.is_available(),
    )


def ordered_loader(
    listings: ListingRows, batch: int, workers: int
) -> tuple[DataLoader[Any], NDArray[np.intp]]:
    """Return a loader of each listing once, and the order in which it gives them, [N]."""
    lengths = listings.data.lengths
    batches = OrderedBatches(
        len(listings), batch, None if lengths is None else lengths[listings.rows]
    )
    return make_loader(listings, batches, workers), batches.order


def _unchanged(batch: Any) -> Any:
    return batch
