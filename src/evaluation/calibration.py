"""Calibration of probabilities: temperature scaling, reliability, ECE, Brier score."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.model_selection import GroupKFold

from src.core.targets import cautious_targets

BINS = 15
# Probabilities of 0, as of a class that none of 15 neighbours has, would otherwise determine the
# temperature: with a floor of 1e-4, calibration made the KNN row's probabilities worse.
PROB_FLOOR = 1e-2


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
    """Return the probabilities, [N, C], at that temperature; the likeliest class stays the same.

    Probabilities below PROB_FLOOR are raised to it before.
    """
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


def _logits(probs: NDArray[np.float32]) -> NDArray[np.float64]:
    logits: NDArray[np.float64] = np.log(np.maximum(probs.astype(np.float64), PROB_FLOOR))
    return logits
