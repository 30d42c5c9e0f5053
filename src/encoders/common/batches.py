"""Which rows make a batch: seeded, balanced if asked for, of similar length for texts.

Where several processes fit together, each gets its share of every batch.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Sampler, WeightedRandomSampler

from src.encoders.common.processes import share, world_size

# Texts are sorted by length inside windows of this many batches: little padding, random enough.
WINDOW = 50


class TrainBatches(Sampler[list[tuple[int, int]]]):
    """Batches of (epoch, row): another order each epoch, the same one each time it is repeated.

    The epoch travels with the row, so that augmentation depends on seed, epoch and row alone,
    whatever the number of workers.

    Args:
        labels: class of each row, [N].
        batch: rows in a batch.
        balanced: draw rows with replacement so that all classes are equally likely.
        lengths: number of tokens of each row, [N], or None where all rows are of one size.
    """

    def __init__(
        self,
        labels: NDArray[np.int64],
        batch: int,
        seed: int,
        balanced: bool = False,
        lengths: NDArray[np.int64] | None = None,
    ) -> None:
        self.labels, self.batch, self.seed = labels, batch, seed
        self.balanced, self.lengths = balanced, lengths
        self.epoch = -1

    def __len__(self) -> int:
        whole, rest = divmod(len(self.labels), self.batch)
        # Each process needs 2 rows to normalise by; fewer join the batch before them.
        return whole + (rest >= 2 * world_size())

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        self.epoch += 1
        rng = np.random.default_rng([self.seed, self.epoch])
        order = self._balanced(rng) if self.balanced else rng.permutation(len(self.labels))
        if self.lengths is not None:
            window = self.batch * WINDOW
            pieces = [order[i : i + window] for i in range(0, len(order), window)]
            order = np.concatenate([p[np.argsort(self.lengths[p], kind="stable")] for p in pieces])
        batches = np.split(order, np.arange(1, len(self)) * self.batch)
        if self.lengths is not None:
            batches = [batches[i] for i in rng.permutation(len(batches))]
        for rows in batches:
            yield [(self.epoch, int(row)) for row in share(rows)]

    def _balanced(self, rng: np.random.Generator) -> NDArray[np.intp]:
        """Draw as many rows as there are, each by the inverse of its class's size."""
        chances = (1.0 / np.bincount(self.labels)[self.labels]).tolist()
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        return np.array([*WeightedRandomSampler(chances, len(chances), generator=generator)])


class OrderedBatches(Sampler[list[tuple[int, int]]]):
    """All rows once; the longest texts first, so that running out of memory shows at once."""

    def __init__(self, n: int, batch: int, lengths: NDArray[np.int64] | None = None) -> None:
        self.order = np.arange(n) if lengths is None else np.argsort(-lengths, kind="stable")
        self.batch = batch

    def __len__(self) -> int:
        return -(-len(share(self.order)) // self.batch)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        order = share(self.order)
        for start in range(0, len(order), self.batch):
            yield [(0, int(row)) for row in order[start : start + self.batch]]
