"""Which head answers, and how far: chosen on held-out listings, in favour of what is simpler."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from src.fusion.conditional_logit import ConditionalLogit

Probs = NDArray[np.float64]
Mask = NDArray[np.bool_]
Subset = tuple[str, ...]

# Fewer held-out listings show nothing.
FEWEST = 50
# With this penalty the classes get no weights of their own, only the models: one model keeps its
# order of the classes.
ORDER_KEPT = 1e6
_SMALLEST = 1e-9


class Choice(NamedTuple):
    """An unfitted head, what joins it to the start, and their answers held out, [N, C].

    Where no head does better, `head` and `join` are None.
    """

    head: Any
    join: ConditionalLogit | None
    held_out: Probs


def group_folds(
    y: NDArray[np.int64], groups: NDArray[Any], chosen: Mask, folds: int, seed: int
) -> NDArray[np.int64]:
    """Return the fold of each chosen listing, [N]; -1 for others, and where no folds are possible.

    Args:
        y: classes, [N].
        groups: listings of one group share a fold, [N].
        folds: at most so many; there are fewer where no class has enough listings.
    """
    fold = np.full(len(y), -1)
    rows = np.flatnonzero(chosen)
    folds = min(folds, int(np.bincount(y[rows]).max()), len(np.unique(groups[rows])))
    if folds < 2:
        return fold
    # As below, what only fits need would make answers wait.
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class of fewer listings than folds is normal.
        warnings.simplefilter("ignore", UserWarning)
        for number, (_, held_out) in enumerate(splitter.split(rows, y[rows], groups[rows])):
            fold[rows[held_out]] = number
    return fold


def widened(head: Any, x: NDArray[np.float32], start: Probs) -> Probs:
    """Return a head's probabilities; classes that it has not learned keep the start's, [N, C]."""
    found = start.copy()
    known = head.classes_
    found[:, known] = head.predict_proba(x) * start[:, known].sum(1, keepdims=True)
    return found


def stacked(start: Probs, answers: Probs) -> NDArray[np.float32]:
    """Return the logarithms of two answers side by side, as `ConditionalLogit` reads them."""
    both = np.concatenate([start, answers], axis=1)
    logs: NDArray[np.float32] = np.log(np.maximum(both, _SMALLEST)).astype(np.float32)
    return logs


def held_out_probs(
    head: Any,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    rows: Mask,
    fold: NDArray[np.int64],
    start: Probs,
) -> Probs:
    """Predict each of the rows by a head fitted on those of other folds, [N, C].

    Args:
        head: an unfitted classifier.
        x, y: columns and classes of N listings.
        rows: the listings to fit on and to predict, [N].
        fold: of `group_folds`, [N].
        start: answers where no head can be fitted, and to classes that it has not learned, [N, C].
    """
    found = start.copy()
    for number in np.unique(fold[rows]):
        held_out, others = rows & (fold == number), rows & (fold != number)
        if len(np.unique(y[others])) > 1:
            fitted = clone(head).fit(x[others], y[others])
            found[held_out] = widened(fitted, x[held_out], start[held_out])
    return found


def choose(
    heads: list[Any],
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    rows: Mask,
    fold: NDArray[np.int64],
    start: Probs,
    evidence: float = 1.0,
) -> Choice:
    """Return the head that does better on held-out rows than the start, if any.

    Its answers are joined to the start's by a weight for each. The best has the least log loss. It
    must do better than the start by more than `evidence` standard errors of the difference in log
    loss and in accuracy, and no worse in macro F1. The loss weighs classes by the inverse square
    root of their sizes, between what accuracy and what macro F1 ask for.

    Args:
        heads: unfitted classifiers, the simplest first.
        others: as for `held_out_probs`.
    """
    best, gained = Choice(None, None, start), 0.0
    if rows.sum() < FEWEST or (fold[rows] < 0).any():
        return best
    truth = y[rows]
    importance = np.bincount(truth)[truth] ** -0.5
    importance /= importance.mean()
    before, (f1, _) = _losses(start[rows], truth), f1_and_accuracy(start[rows], truth)
    right = start[rows].argmax(1) == truth
    for head in heads:
        both = stacked(start, held_out_probs(head, x, y, rows, fold, start))
        join = ConditionalLogit(start.shape[1], penalty=ORDER_KEPT).fit(both[rows], truth)
        joined = join.predict_proba(both)
        gain = importance * (before - _losses(joined[rows], truth))
        righted = (joined[rows].argmax(1) == truth).astype(float) - right
        clear = all(
            better.mean() > evidence * better.std() / len(truth) ** 0.5
            for better in (gain, righted)
        )
        if clear and gain.mean() > gained and f1_and_accuracy(joined[rows], truth)[0] >= f1:
            best, gained = Choice(head, join, joined), gain.mean()
    return best


def best_start(
    smaller: dict[Subset, Mask], held_out: dict[Subset, Probs], y: NDArray[np.int64], rows: Mask
) -> Subset:
    """Return the smaller subset whose held-out answers to the rows are best by F1 and accuracy.

    Args:
        smaller: the listings that each smaller subset learned from, [N]; they count where the rows
            are too few to judge by.
        held_out: answers of each smaller subset, [N, C].
        rows: the listings with the whole subset, [N].
    """

    def score(subset: Subset) -> float:
        judged = rows if rows.sum() >= FEWEST else smaller[subset]
        return sum(f1_and_accuracy(held_out[subset][judged], y[judged]))

    return max(smaller, key=score)


def f1_and_accuracy(probs: Probs, y: NDArray[np.int64]) -> tuple[float, float]:
    """Return macro F1 over the classes in y [N], and accuracy, of probabilities [N, C]."""
    from sklearn.metrics import f1_score

    guess = probs.argmax(1)
    f1 = f1_score(y, guess, labels=np.unique(y), average="macro", zero_division=0)
    return float(f1), float((guess == y).mean())


def _losses(probs: Probs, y: NDArray[np.int64]) -> NDArray[np.float64]:
    losses: NDArray[np.float64] = -np.log(np.maximum(probs[np.arange(len(y)), y], _SMALLEST))
    return losses
