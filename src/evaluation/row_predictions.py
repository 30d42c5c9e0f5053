"""What one row of the results table predicts for the listings that it is scored on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import ModelOutput
from src.core.listings import cv_rounds
from src.evaluation.calibration import cross_fit_temperature
from src.evaluation.scores import hidden_scores, seen_scores
from src.fusion.predictions import Predictions

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
        extra_scores: scores that only rows of this kind have.
        ids: listings, [N].
        actual: their categories, [N].
        groups: their near-duplicate groups, [N].
        has_photo: which have a photo, [N].
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
        """Return probabilities, [N, C], each scaled by a temperature fitted on other groups."""
        return cross_fit_temperature(self.probs, self.y, self.groups, CALIBRATION_FOLDS, seed)


def model_predictions(
    table: pd.DataFrame, row: str, kind: str, weights: str, outputs: Iterable[ModelOutput]
) -> RowPredictions:
    """Take an image or text model's probabilities for the test split.

    With cross-validation that is every listing, each predicted in the round that tests it.

    Args:
        table: the prepared listings.
        outputs: those of the model fitted on the train split, for each of `cv_rounds`.

    Raises:
        LeakError: the model was fitted on a listing of the test split or its near-duplicate.
    """
    groups = table.set_index("id")["group"]
    classes, probs = [], []
    for split, output in zip(cv_rounds(table), outputs, strict=True):
        test = (split == "test").to_numpy()
        tested = output.subset(np.isin(output.ids, table["id"].to_numpy(dtype=str)[test]))
        tested.require_unseen(groups, f"scoring {row} on the test split")
        classes.append(output.classes)
        probs.append(probs_or_prior(table.assign(split=split), output, test))
    about = _about(table, _test_ids(table))
    return RowPredictions(row, kind, weights, classes[0], np.concatenate(probs), **about)


def fused_predictions(
    table: pd.DataFrame, row: str, weights: str, fused: Predictions
) -> RowPredictions:
    """Take a fused row's probabilities for the test split, and its scores with inputs hidden."""
    ids = _test_ids(table)
    place = pd.Index(fused.ids).get_indexer(pd.Index(ids))
    if (place < 0).any():
        lacking = int((place < 0).sum())
        raise ValueError(f"{row} lacks {lacking} of the {len(ids)} test listings")
    actual = _column(table, "category", fused.ids)
    extra = hidden_scores(actual, fused.classes, fused.without)
    about = _about(table, ids)
    return RowPredictions(row, "fused", weights, fused.classes, fused.probs[place], extra, **about)


def leaky_predictions(table: pd.DataFrame, weights: str, leaky: Predictions) -> RowPredictions:
    """Take the leaky row's probabilities, and its accuracy on seen and unseen listings."""
    actual = _column(table, "category", leaky.ids)
    extra = seen_scores(actual, leaky.classes[leaky.probs.argmax(1)], leaky.seen)
    about = _about(table, leaky.ids)
    return RowPredictions(LEAKY, "leaky", weights, leaky.classes, leaky.probs, extra, **about)


def probs_or_prior(
    table: pd.DataFrame, output: ModelOutput, chosen: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return one model's probabilities for the chosen listings, [M, C].

    A listing without the modality gets the shares of the classes in the train split.

    Args:
        table: the prepared listings, [N].
        chosen: which of them, [N]; M are.
    """
    train = table.loc[table["split"] == "train", "category"]
    prior = np.array([(train == name).mean() for name in output.classes], dtype=np.float32)
    ids = table["id"].to_numpy(dtype=str)[chosen]
    probs = np.tile(prior, (len(ids), 1))
    place = pd.Index(output.ids).get_indexer(pd.Index(ids))
    probs[place >= 0] = output.probs[place[place >= 0]]
    return probs


def _test_ids(table: pd.DataFrame) -> NDArray[np.str_]:
    ids = table["id"].to_numpy(dtype=str)
    return np.concatenate([ids[split == "test"] for split in cv_rounds(table)])


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
