"""Which rows make a batch: seeded, balanced if asked for, of like length for texts.

Where several processes fit together each gets its share, of the batches that one would see.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from src.encoders.common.processes import share, world_size

# Texts are sorted by length inside windows of this many batches: little padding, enough chance.
WINDOW = 50


class TrainBatches(Sampler[list[tuple[int, int]]]):
    """Batches of (epoch, row): another order each epoch, the same at each repetition.

    The epoch travels with the row so that augmentation depends on seed, epoch and row alone,
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
        self.n, self.batch, self.seed, self.lengths = len(labels), batch, seed, lengths
        chance = 1.0 / np.bincount(labels)[labels] if balanced else np.ones(self.n)
        self.chance = chance / chance.sum()
        self.balanced = balanced
        self.epoch = -1

    def __len__(self) -> int:
        whole, rest = divmod(self.n, self.batch)
        # One row alone has no variance to normalise by, so it joins the batch before it; so do
        # rows that are too few for each process to have one.
        return whole + (rest >= max(2, world_size()))

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        self.epoch += 1
        rng = np.random.default_rng([self.seed, self.epoch])
        if self.balanced:
            order = rng.choice(self.n, self.n, p=self.chance)
        else:
            order = rng.permutation(self.n)
        if self.lengths is not None:
            window = self.batch * WINDOW
            pieces = [order[i : i + window] for i in range(0, self.n, window)]
            order = np.concatenate([p[np.argsort(self.lengths[p], kind="stable")] for p in pieces])
        batches = np.split(order, np.arange(1, len(self)) * self.batch)
        if self.lengths is not None:
            batches = [batches[i] for i in rng.permutation(len(batches))]
        for rows in batches:
            yield [(self.epoch, int(row)) for row in share(rows)]


class OrderedBatches(Sampler[list[tuple[int, int]]]):
    """All rows once; longest texts first, so that running out of memory shows at once."""

    def __init__(self, n: int, batch: int, lengths: NDArray[np.int64] | None = None) -> None:
        self.order = np.arange(n) if lengths is None else np.argsort(-lengths, kind="stable")
        self.batch = batch

    def __len__(self) -> int:
        return -(-len(share(self.order)) // self.batch)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        order = share(self.order)
        for start in range(0, len(order), self.batch):
            yield [(0, int(row)) for row in order[start : start + self.batch]]
