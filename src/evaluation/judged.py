"""One row of the table and what it says of the listings that it is judged on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.evaluation.abstain import TARGETS, accuracy_by_share, area, threshold_for
from src.evaluation.calibration import (
    brier,
    cross_fit_temperature,
    expected_calibration_error,
    fit_temperature,
)
from src.evaluation.intervals import score_intervals
from src.evaluation.scores import score

CALIBRATION_FOLDS = 5


@dataclass(frozen=True)
class Judged:
    """What one row says of N listings that nothing behind it has seen (but for the leaky row).

    Attributes:
        row, kind, weights: its name, its kind, and where its first weights come from.
        ids: listings, [N].
        actual: their categories, [N].
        groups: their near-duplicate groups, [N].
        photo: which have a photo, [N].
        classes: names of the classes, [C].
        probs: class probabilities, [N, C].
        more: scores that only rows of its kind have.
    """

    row: str
    kind: str
    weights: str
    ids: NDArray[np.str_]
    actual: NDArray[np.str_]
    groups: NDArray[np.str_]
    photo: NDArray[np.bool_]
    classes: NDArray[np.str_]
    probs: NDArray[np.float32]
    more: dict[str, float] = field(default_factory=dict)

    @property
    def predicted(self) -> NDArray[np.str_]:
        """The likeliest category of each listing, [N]."""
        names: NDArray[np.str_] = self.classes[self.probs.argmax(1)]
        return names

    @property
    def y(self) -> NDArray[np.int64]:
        """The position of each listing's category among the classes, [N]."""
        order = np.argsort(self.classes)
        found: NDArray[np.int64] = order[np.searchsorted(self.classes, self.actual, sorter=order)]
        return found

    def calibrated(self, seed: int) -> NDArray[np.float32]:
        """Probabilities, [N, C], each at a temperature that was fitted on other groups."""
        return cross_fit_temperature(self.probs, self.y, self.groups, CALIBRATION_FOLDS, seed)


def measure(judged: Judged, calibrated: NDArray[np.float32], seed: int) -> dict[str, Any]:
    """Every score of one row, by name; numbers alone.

    Beside those of `score` and `more`: the bounds of macro F1 and accuracy; ECE and Brier score,
    as the row says it and `_calibrated` on held-out listings; the `temperature` fitted on all of
    them, for use on new ones; the area under accuracy against share answered, and for each target
    accuracy the share that can be answered at it and from which calibrated confidence on.
    """
    y, probs = judged.y, judged.probs
    scores = score(judged.actual, judged.predicted, judged.photo) | judged.more
    bounds = score_intervals(judged.actual, judged.predicted, judged.groups, seed)
    more = dict(bounds._asdict())
    for suffix, said in (("", probs), ("_calibrated", calibrated)):
        more[f"ece{suffix}"] = expected_calibration_error(said, y)
        more[f"brier{suffix}"] = brier(said, y)
    more["temperature"] = fit_temperature(probs, y)
    curve = accuracy_by_share(calibrated.max(1), calibrated.argmax(1) == y)
    more["area_answered"] = area(curve)
    for target in TARGETS:
        if (found := threshold_for(curve, target)) is not None:
            name = f"{target:.0%}".rstrip("%")
            more[f"threshold_at_{name}"], more[f"share_at_{name}"] = found
    return scores | {name: round(value, 6) for name, value in more.items()}
