"""Calibration of probabilities: temperature scaling, reliability, ECE, Brier score, log loss."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from src.core.targets import cautious_targets

BINS = 15
# This share of the probabilities is spread over all classes before a temperature is applied, else
# zeros, as of a class that no tree of a forest names, would determine it. On real texts (13 and 120
# classes, 240 to 4,000 listings, four models) the held-out log loss is never above that with a
# floor of 1e-6, and a forest's is 1.72 instead of 1.94. A floor would make classes equal that are
# not, and raise one of 1e-3 above chance where there are 1,000 classes.
SPREAD = 0.01
# Where the truth was given no probability, the log loss of a listing ends here.
LEAST_PROB = 1e-6


class Calibrated(NamedTuple):
    """Probabilities after calibration, [N, C], and the temperature for new listings.

    At temperature 1 all probabilities stay as they are.
    """

    probs: NDArray[np.float32]
    temperature: float


def calibrate(
    probs: NDArray[np.float32],
    y: NDArray[np.int64],
    groups: NDArray[np.str_],
    folds: int,
    seed: int,
) -> Calibrated:
    """Calibrate probabilities, unless temperatures do not improve listings they are not fitted on.

    Args:
        probs, y, groups, folds, seed: as for `cross_fit_temperature`, whose result is returned
            where its log loss is lower.
    """
    held_out = cross_fit_temperature(probs, y, groups, folds, seed)
    if log_loss(held_out, y) < log_loss(probs, y):
        return Calibrated(held_out, fit_temperature(probs, y))
    return Calibrated(probs, 1.0)


def fit_temperature(probs: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    """Return the temperature of the smallest log loss; above 1 it makes probabilities less sure.

    It is the loss to `cautious_targets`, so how small the temperature may become follows from the
    number of listings.

    scikit-learn's CalibratedClassifierCV(method="temperature") does the same for an estimator,
    to targets of 1, but not for probabilities that were computed elsewhere.

    Args:
        probs: class probabilities, [N, C], of listings that the model did not learn from.
        y: classes, [N].

    Guo et al., "On calibration of modern neural networks" (2017).
    """
    logits = _logits(probs)
    targets = cautious_targets(y, logits.shape[1])

    def log_loss(log_temperature: float) -> float:
        log_probs = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float((targets * log_probs).sum(1).mean())

    # Wide: the targets bound the temperature, unless all probabilities are equal.
    best = minimize_scalar(log_loss, bounds=(np.log(1e-3), np.log(1e3)), method="bounded")
    return float(np.exp(best.x))


def apply_temperature(probs: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return the probabilities, [N, C], at that temperature; the order of the classes stays.

    A temperature of 1 means no calibration: not even SPREAD is applied.
    """
    if temperature == 1:
        return probs
    scaled: NDArray[np.float32] = softmax(_logits(probs) / temperature, axis=1).astype(np.float32)
    return scaled


def cross_fit_temperature(
    probs: NDArray[np.float32],
    y: NDArray[np.int64],
    groups: NDArray[np.str_],
    folds: int,
    seed: int,
) -> NDArray[np.float32]:
    """Calibrate each fold of groups with a temperature fitted on the other folds.

    The result, [N, C], may be scored against `y`, since neither a listing nor its near-duplicates
    influence its own temperature. With a single group nothing changes.

    Args:
        probs: class probabilities, [N, C].
        y: classes, [N].
        groups: near-duplicate groups, [N].
        folds: how many; at most one per group.
    """
    folds = min(folds, len(np.unique(groups)))
    calibrated = probs.copy()
    if folds < 2:
        return calibrated
    # Here, and not above: answers do not need it, and would wait for it.
    from sklearn.model_selection import GroupKFold

    splitter = GroupKFold(folds, shuffle=True, random_state=seed)
    for others, fold in splitter.split(probs, y, groups):
        temperature = fit_temperature(probs[others], y[others])
        calibrated[fold] = apply_temperature(probs[fold], temperature)
    return calibrated


def reliability(probs: NDArray[np.float32], y: NDArray[np.int64]) -> pd.DataFrame:
    """Return the reliability diagram of the top class: bin, confidence, accuracy, n.

    Up to BINS bins of equal mass; equal confidences share a bin, so that the order of the listings
    does not matter. Equal mass: Nguyen and O'Connor, "Posterior calibration and exploratory
    analysis for natural language processing models" (2015).

    Args:
        probs: class probabilities, [N, C].
        y: classes, [N].
    """
    top = probs.max(1).astype(np.float64)
    edges = np.unique(np.quantile(top, np.linspace(0, 1, BINS + 1)[1:-1]))
    frame = pd.DataFrame(
        {
            "bin": np.searchsorted(edges, top, side="right"),
            "confidence": top,
            "accuracy": probs.argmax(1) == y,
        }
    )
    bins = frame.groupby("bin").agg(
        confidence=("confidence", "mean"), accuracy=("accuracy", "mean"), n=("accuracy", "size")
    )
    return bins.reset_index(drop=True).rename_axis("bin").reset_index()


def expected_calibration_error(probs: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    """Return the mean gap between confidence and accuracy over the bins, weighted by their size.

    Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning" (2015), with
    bins of equal mass in place of equal width. It is biased upward: a perfectly calibrated row gets
    0.05 to 0.09 on 240 listings and 0.03 to 0.05 on 850.
    """
    bins = reliability(probs, y)
    gap = (bins["confidence"] - bins["accuracy"]).abs()
    return float((gap * bins["n"]).sum() / bins["n"].sum())


def brier(probs: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    """Return the mean over listings of the squared error summed over classes: 0 to 2.

    Brier, "Verification of forecasts expressed in terms of probability" (1950).
    """
    answer = np.eye(probs.shape[1])[y]
    return float(((probs - answer) ** 2).sum(1).mean())


def log_loss(probs: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    """Return the mean of minus the logarithm of the true class's probability.

    A probability below LEAST_PROB counts as LEAST_PROB, as the loss would else be infinite.

    Args:
        probs: class probabilities, [N, C].
        y: classes, [N].
    """
    true = probs[np.arange(len(y)), y].astype(np.float64)
    return -float(np.log(np.maximum(true, LEAST_PROB)).mean())


def _logits(probs: NDArray[np.float32]) -> NDArray[np.float64]:
    logits: NDArray[np.float64] = np.log(
        (1 - SPREAD) * probs.astype(np.float64) + SPREAD / probs.shape[1]
    )
    return logits
