"""How sure a score is: bootstrap intervals over groups of near-duplicates.

Groups, not listings, are drawn: a listing and its repost are one observation. Which kind of
interval holds what it promises was measured on simulated predictions, 1,000 draws each from 21
populations of 13 or 17 categories, 240 to 846 listings, stratified as the splits are. The true
macro F1 lies in the BCa interval in 93 to 97 % of the draws, in the percentile interval in 92 to
96 %, in the basic one in 90 to 96 %; the true accuracy in 94 to 96, 93 to 96 and 91 to 96 %. Macro
F1 over few listings is biased, and BCa alone corrects that. Where draws are not stratified and
categories have some four listings, BCa covers 91 to 95 %. A row without any error gets an interval
without width: what never went wrong, resampling cannot make wrong.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

LEVEL = 0.95
RESAMPLES = 2000


class Intervals(NamedTuple):
    """The bounds of a score's interval: of macro F1 and of accuracy."""

    f1_low: float
    f1_high: float
    accuracy_low: float
    accuracy_high: float


def score_intervals(
    actual: NDArray[np.str_],
    predicted: NDArray[np.str_],
    groups: NDArray[np.str_],
    seed: int,
    resamples: int = RESAMPLES,
) -> Intervals:
    """Return the 95 % intervals of one row's macro F1 and accuracy.

    Args:
        actual, predicted: categories, [N].
        groups: near-duplicate groups, [N]; all listings of a group are drawn together.
        seed: equal seeds over equal groups draw equal resamples, whatever the row.
    """
    counts = _counts(actual, predicted, groups)
    weights = _weights(len(counts), resamples, seed)
    return _bca(
        _scores(counts.sum(0)),
        _scores(weights @ counts),
        _scores(counts.sum(0) - counts),
    )


def difference_intervals(
    actual: NDArray[np.str_],
    first: NDArray[np.str_],
    second: NDArray[np.str_],
    groups: NDArray[np.str_],
    seed: int,
    resamples: int = RESAMPLES,
) -> Intervals:
    """Return the 95 % intervals of what `first` scores above `second` on the same listings.

    Paired: both are scored on the same resamples, so what they have in common cancels. All
    arguments as for `score_intervals`, [N].
    """
    both = [_counts(actual, predicted, groups) for predicted in (first, second)]
    weights = _weights(len(both[0]), resamples, seed)
    point, drawn, left_out = (
        _scores(one) - _scores(other)
        for one, other in (
            [counts.sum(0) for counts in both],
            [weights @ counts for counts in both],
            [counts.sum(0) - counts for counts in both],
        )
    )
    return _bca(point, drawn, left_out)


def _counts(
    actual: NDArray[np.str_], predicted: NDArray[np.str_], groups: NDArray[np.str_]
) -> NDArray[np.float32]:
    """Per group and category how often it was named rightly, named, and the answer, [G, 3 C]."""
    names, codes = np.unique(np.concatenate([actual, predicted]), return_inverse=True)
    asked, said = codes[: len(actual)], codes[len(actual) :]
    _, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((group.max() + 1, 3, len(names)), np.float32)
    for kind, named, times in ((0, asked, asked == said), (1, said, 1), (2, asked, 1)):
        np.add.at(counts[:, kind], (group, named), times)
    return counts.reshape(len(counts), -1)


def _scores(counts: NDArray[np.float32]) -> NDArray[np.float64]:
    """Macro F1 over the categories that occur, and accuracy: [..., 3 C] to [..., 2]."""
    right, said, asked = np.moveaxis(counts.reshape(*counts.shape[:-1], 3, -1), -2, 0)
    f1 = 2 * right / np.maximum(said + asked, 1)
    # A category that is not asked for has no right answer, so its F1 is 0 already.
    macro = f1.sum(-1) / np.maximum((asked > 0).sum(-1), 1)
    accuracy = right.sum(-1) / np.maximum(asked.sum(-1), 1)
    return np.stack([macro, accuracy], axis=-1).astype(np.float64)


@lru_cache(maxsize=1)
def _weights(groups: int, resamples: int, seed: int) -> NDArray[np.float32]:
    """How often each group is drawn in each resample, [R, G]; all rows of a table share them."""
    rng = np.random.default_rng([seed, 3])
    weights = np.empty((resamples, groups), np.float32)
    for row in weights:
        row[:] = np.bincount(rng.integers(groups, size=groups), minlength=groups)
    return weights


def _bca(
    point: NDArray[np.float64], drawn: NDArray[np.float64], left_out: NDArray[np.float64]
) -> Intervals:
    """Bias-corrected and accelerated bounds of macro F1 and accuracy.

    Args:
        point: on all listings, [2].
        drawn: on each resample, [R, 2].
        left_out: without each group, [G, 2], for the acceleration.

    Efron, "Better bootstrap confidence intervals" (1987), equations 2.3 and 6.6.
    """
    below = (drawn < point).mean(0) + (drawn == point).mean(0) / 2
    bias = norm.ppf(np.clip(below, 1 / len(drawn), 1 - 1 / len(drawn)))
    away = left_out.mean(0) - left_out
    spread = (away**2).sum(0) ** 1.5
    skew = (away**3).sum(0) / np.where(spread > 0, 6 * spread, 1)
    bounds = []
    for score in range(2):
        z = bias[score] + norm.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        level = norm.cdf(bias[score] + z / (1 - skew[score] * z))
        bounds += [float(bound) for bound in np.quantile(drawn[:, score], level)]
    return Intervals(*bounds)
