"""Frozen features: computed once by a backbone that no fit changes, then used by every fold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from src.core.schema import NetworkSettings, Trainer
from src.encoders.common.backends import (
    COMPARED,
    Extract,
    in_float32,
    make_backend,
    require_exact,
)
from src.encoders.common.loading import ListingRows, NetworkData, ordered_loader
from src.encoders.common.network_classifier import Batch
from src.encoders.common.processes import gpu_count


class FrozenFeatures:
    """Features of all listings that a row reads, [N, D], and of random views of them.

    Attributes:
        computed: the features so far; those of an earlier run may be put here.
    """

    def __init__(
        self,
        data: NetworkData,
        labels: NDArray[np.int64],
        settings: NetworkSettings,
        trainer: Trainer,
        seed: int,
        name: str,
    ) -> None:
        self.data, self.labels, self.settings, self.trainer = data, labels, settings, trainer
        self.seed, self.name = seed, name
        self.computed: list[Tensor] = []

    def of(self, network: nn.Module, views: int = 0) -> list[Tensor]:
        """Return features of the listings as they are, then of each of the random views.

        Args:
            network: computes them at the first call; later calls return the same features.
        """
        missing = range(len(self.computed), views + 1)
        if missing:
            rows = np.arange(len(self.labels))
            device = device_of(self.trainer)
            network.to(device).eval()
            backend, converted = self.trainer.features, self.data.converted
            extract = make_backend(backend, network, converted, device)
            if (exact := in_float32(backend)) != backend:
                examples = some_batches(self.data, rows[:COMPARED], self.settings.batch)
                as_is = make_backend(exact, network, converted, device)
                require_exact(backend, extract, as_is, examples)
            for view in missing:
                seed = self.seed if view else None
                listings = ListingRows(self.data, self.labels, rows, seed, view)
                loader, order = ordered_loader(listings, self.settings.batch, self.trainer.workers)
                self.computed.append(extract_all(extract, loader, order, self.name))
        return self.computed

    @property
    def plain(self) -> Tensor:
        """Features of the listings as they are, [N, D]."""
        return self.computed[0]


def some_batches(data: NetworkData, rows: NDArray[np.intp], size: int) -> Iterator[Batch]:
    """Yield these rows in batches, for comparing backends."""
    for at in range(0, len(rows), size):
        yield data.batch(rows[at : at + size])


def extract_all(
    extract: Extract, loader: DataLoader[Any], order: NDArray[np.intp], name: str
) -> Tensor:
    """Return features [N, D] of the listings that a loader gives in some order [N]."""
    found: Tensor | None = None
    done = 0
    with tqdm(total=len(order), desc=f"{name}, features", unit="listing", disable=None) as bar:
        for batch, _ in loader:
            x = extract(batch)
            if found is None:
                found = torch.empty(len(order), x.shape[1])
            found[order[done : done + len(x)]] = x
            done += len(x)
            bar.update(len(x))
    assert found is not None
    return found


def device_of(trainer: Trainer) -> torch.device:
    """Return where networks compute outside of training."""
    return torch.device("cuda" if gpu_count(trainer) else "cpu")
