"""Predictions from a population whose scores are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Draw = tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]


@dataclass(frozen=True)
class Population:
    """Categories of unequal size, and a classifier of known quality.

    Attributes:
        groups: how many near-duplicate groups each category has, [C]; the same in every draw, as
            the splits are stratified.
        confusion: how often a listing of each category is predicted as each, [C, C]; rows add up
            to 1.
    """

    groups: NDArray[np.int64]
    confusion: NDArray[np.float64]

    @property
    def f1_macro(self) -> float:
        joint = self._joint()
        return float((2 * joint.diagonal() / (joint.sum(0) + joint.sum(1))).mean())

    @property
    def accuracy(self) -> float:
        return float(self._joint().trace())

    def _joint(self) -> NDArray[np.float64]:
        return self.groups[:, None] / self.groups.sum() * self.confusion

    def draw(self, rng: np.random.Generator, times: int = 1) -> list[Draw]:
        """Actual, predicted and groups of one draw, for `times` rows of the results table.

        Groups have one to three listings, and near-duplicates mostly get the same prediction.
        """
        category = np.repeat(np.arange(len(self.groups)), self.groups)
        group = np.repeat(
            np.arange(len(category)), rng.choice(3, len(category), p=[0.8, 0.15, 0.05]) + 1
        )
        actual = category[group]
        rows = []
        for _ in range(times):
            alone = self._predict(category, rng)[group]
            alike = rng.random(len(group)) < 0.6
            predicted = np.where(alike, alone, self._predict(actual, rng))
            rows.append((actual.astype(str), predicted.astype(str), group.astype(str)))
        return rows

    def _predict(self, actual: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        reached = self.confusion.cumsum(1)[actual]
        predicted: NDArray[np.int64] = (rng.random(len(actual))[:, None] > reached).sum(1)
        return np.minimum(predicted, len(self.groups) - 1)


def made_population(listings: int, accuracy: float, seed: int = 0) -> Population:
    """Eight categories, the smallest a tenth of the largest, confused unevenly."""
    rng = np.random.default_rng(seed)
    shares = np.geomspace(1, 0.1, 8)
    groups = np.round(shares / shares.sum() * listings / 1.25).astype(np.int64)
    confusion = rng.gamma(1, 1, (8, 8)) * shares
    np.fill_diagonal(confusion, 0)
    right = np.clip(accuracy + rng.normal(0, 0.08, 8), 0.2, 0.97)
    confusion *= ((1 - right) / confusion.sum(1))[:, None]
    np.fill_diagonal(confusion, right)
    return Population(groups, confusion)
