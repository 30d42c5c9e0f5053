"""What one row of the results table predicts for the listings that it is scored on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import ModelOutput, RowOutput
from src.core.rounds import cv_rounds
from src.evaluation.calibration import Calibrated, calibrate
from src.evaluation.model_probs import unseen_probs
from src.evaluation.scores import hidden_scores, macro_f1, seed_scores, seen_scores
from src.fusion.predictions import Predictions

# The leaky row repeats this fused row on a split that leaks.
HONEST = "logreg"
LEAKY = "logreg_leaky"
CALIBRATION_FOLDS = 5


@dataclass(frozen=True)
class RowPredictions:
    """Probabilities of one row for N listings that its encoders have not seen.

    Only the leaky row's encoders have seen some of them.

    Attributes:
        row, kind, weights: its name, its kind, and where its first weights come from.
        classes: names of the classes, [C].
        probs: class probabilities, [N, C].
        extra_scores: how many listings the row was fitted on, and scores of other predictions: for
            val, by other seeds, with inputs hidden.
        ids: listings, [N].
        actual: their categories, [N].
        groups: their near-duplicate groups, [N].
        has_photo: which have a photo, [N].
        added: what photo, text and price add to the log-odds of the likeliest category, [N, 3];
            None where the row is not fused.
    """

    row: str
    kind: str
    weights: str
    classes: NDArray[np.str_]
    probs: NDArray[np.float32]
    extra_scores: dict[str, float] = field(default_factory=dict)
    _: KW_ONLY
    ids: NDArray[np.str_]
    actual: NDArray[np.str_]
    groups: NDArray[np.str_]
    has_photo: NDArray[np.bool_]
    added: NDArray[np.float32] | None = None

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

    def calibrated(self, seed: int) -> Calibrated:
        """Calibrate, each listing by a temperature that was fitted on other groups."""
        return calibrate(self.probs, self.y, self.groups, CALIBRATION_FOLDS, seed)


def model_predictions(
    table: pd.DataFrame,
    row: str,
    kind: str,
    weights: str,
    outputs: Iterable[RowOutput],
    repeats: Iterable[Iterable[ModelOutput]] = (),
) -> RowPredictions:
    """Take an image or text model's probabilities for the test split.

    With cross-validation that is every listing, each predicted in the round that tests it.

    Args:
        table: the prepared listings.
        outputs: of the model in each of `cv_rounds`.
        repeats: the full outputs in each round, of each fit with another seed.

    Raises:
        LeakError: a test listing was scored by an encoder that was fitted on it or on its
            near-duplicate, or a val listing has such an out-of-fold output.
    """
    test, val = [], []
    for split, output in zip(cv_rounds(table), outputs, strict=True):
        now = table.assign(split=split)
        test.append(unseen_probs(now, row, output.full, "test"))
        val.append(unseen_probs(now, row, output.out_of_fold, "val"))
        if len(test) == 1:
            classes, n_fitted = output.full.classes, output.full.count_fitted()
    others = [
        [
            unseen_probs(table.assign(split=split), row, full, "test")
            for split, full in zip(cv_rounds(table), rounds, strict=True)
        ]
        for rounds in repeats
    ]
    about = _about(table, _ids_of(table, "test"))
    predicted = [classes[np.concatenate(one).argmax(1)] for one in (test, *others)]
    extra = {
        "n_fitted": n_fitted,
        "val_f1_macro": _val_f1(table, classes, np.concatenate(val)),
        **seed_scores(about["actual"], predicted),
    }
    return RowPredictions(row, kind, weights, classes, np.concatenate(test), extra, **about)


def fused_predictions(
    table: pd.DataFrame, row: str, weights: str, fused: Predictions
) -> RowPredictions:
    """Take a fused row's probabilities for the test split, and its scores with inputs hidden."""
    place = {}
    for split, given in (("test", fused.ids), ("val", fused.val_ids)):
        place[split] = pd.Index(given).get_indexer(pd.Index(_ids_of(table, split)))
        if lacking := int((place[split] < 0).sum()):
            raise ValueError(f"{row} lacks {lacking} of the {len(place[split])} {split} listings")
    classes, actual = fused.classes, _column(table, "category", fused.ids)
    extra = {
        "n_fitted": fused.n_fitted,
        "val_f1_macro": _val_f1(table, classes, fused.val_probs[place["val"]]),
        **seed_scores(actual, [classes[p.argmax(1)] for p in (fused.probs, *fused.repeats)]),
        **hidden_scores(actual, classes, fused.without),
    }
    about, test = _about(table, _ids_of(table, "test")), place["test"]
    probs, added = fused.probs[test], fused.added[test]
    return RowPredictions(row, "fused", weights, classes, probs, extra, added=added, **about)


def leaky_predictions(table: pd.DataFrame, weights: str, leaky: Predictions) -> RowPredictions:
    """Take the leaky row's probabilities, and its accuracy on seen and unseen listings."""
    actual = _column(table, "category", leaky.ids)
    extra = {
        "n_fitted": leaky.n_fitted,
        **seen_scores(actual, leaky.classes[leaky.probs.argmax(1)], leaky.seen),
    }
    about = _about(table, leaky.ids)
    return RowPredictions(LEAKY, "leaky", weights, leaky.classes, leaky.probs, extra, **about)


def _val_f1(table: pd.DataFrame, classes: NDArray[np.str_], probs: NDArray[np.float32]) -> float:
    """Return macro F1 on val, from the probabilities of `_ids_of` val."""
    actual = _column(table, "category", _ids_of(table, "val"))
    return macro_f1(actual, classes[probs.argmax(1)])


def _ids_of(table: pd.DataFrame, split: str) -> NDArray[np.str_]:
    """Return the ids of a split's listings, in each round of cross-validation in turn."""
    ids = table["id"].to_numpy(dtype=str)
    return np.concatenate([ids[now == split] for now in cv_rounds(table)])


def _about(table: pd.DataFrame, ids: NDArray[np.str_]) -> dict[str, Any]:
    """What the table says about the listings, as fields of `RowPredictions`."""
    return {
        "ids": ids,
        "actual": _column(table, "category", ids),
        "groups": _column(table, "group", ids),
        "has_photo": table.set_index("id")["photo_row"].reindex(ids).to_numpy() >= 0,
    }


def _column(table: pd.DataFrame, column: str, ids: NDArray[np.str_]) -> NDArray[np.str_]:
    return table.set_index("id")[column].reindex(ids).to_numpy(dtype=str)
