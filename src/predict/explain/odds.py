"""The log-odds that an explanation takes apart."""

from __future__ import annotations

import numpy as np

from src.fusion.shapley import MODALITIES, Values, log_odds, shapley_values
from src.predict.predictor import Predictor
from src.predict.scored import ScoredListings


def answer_log_odds(
    predictor: Predictor, listings: ScoredListings, hidden: frozenset[str] = frozenset()
) -> Values:
    """Return the log-odds of each class by the calibrated answer, [N, C].

    Where there is nothing to predict from, those of the prior, uncalibrated.
    """
    probs, _ = predictor.answer(listings, hidden)
    return log_odds(np.where(np.isnan(probs), predictor.prior, probs))


def answer_contributions(predictor: Predictor, listings: ScoredListings) -> dict[str, Values]:
    """Return the Shapley value of each modality for the log-odds of each class, [N, C].

    With the prior's log-odds they sum to those of the answer; what a listing lacks has 0.
    """
    return shapley_values(
        [name for name in MODALITIES if name in predictor.info.reads],
        lambda shown: answer_log_odds(predictor, listings, frozenset(MODALITIES) - shown),
    )
