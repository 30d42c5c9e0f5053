"""One row of the table, whatever its encoder: fit it, fit the folds, score every listing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from src.artifacts.outputs import ModelOutput
from src.core.errors import UserError
from src.core.listings import labels_of


class Encoder(Protocol):
    """What can be fitted on some rows and then score others; rows count what it reads.

    Attributes:
        rows: positions in the prepared table of the listings that it can read, [N].
        frozen_features: whether its features come from weights that fitting leaves alone.
        stops_early: whether it needs listings beside those it is fitted on, to know when to stop.
    """

    rows: NDArray[np.intp]
    frozen_features: bool
    stops_early: bool

    def fit(
        self, train: NDArray[np.intp], val: NDArray[np.intp], number: int
    ) -> tuple[Any, pd.DataFrame]: ...

    def score(
        self, model: Any, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...


@dataclass
class Trained:
    """A fitted model with what it says of the listings; curves have one row per epoch."""

    model: Any
    features: ModelOutput
    out_of_fold: ModelOutput | None
    curves: pd.DataFrame


def train(encoder: Encoder, table: pd.DataFrame, folds: int, seed: int, name: str) -> Trained:
    """Fit on the train part, score every listing; score the train part out of fold.

    An encoder that does not stop early has no use for the val part. With folds it is fitted on
    that as well, and its listings are scored out of fold like the others.

    Args:
        table: the prepared listings.
        folds: 0, or the number K >= 2 of folds: each is scored by an encoder fitted without it.

    Raises:
        UserError: the encoder can read no listing of the train or the val part.
    """
    if folds == 1 or folds < 0:
        raise UserError(f"{name}: folds is {folds}; expected 0 (none) or at least 2")
    classes, every_label = labels_of(table)
    read = table.iloc[encoder.rows]
    ids, split, groups = (read[c].to_numpy(dtype=str) for c in ("id", "split", "group"))
    labels = every_label[encoder.rows]
    fit_rows, val_rows = np.flatnonzero(split == "train"), np.flatnonzero(split == "val")
    if not len(fit_rows) or not len(val_rows):
        raise UserError(
            f"{name}: {len(fit_rows)} listings of the train part and {len(val_rows)} of the val "
            "part have what this model reads; expected some of each: add listings or photos"
        )

    if folds and not encoder.stops_early:
        fit_rows = np.flatnonzero((split == "train") | (split == "val"))
    model, curves = encoder.fit(fit_rows, val_rows, 0)
    x, probs = encoder.score(model, np.arange(len(ids)))
    features = ModelOutput(
        ids=ids,
        features=x,
        probs=probs,
        classes=classes,
        scored_by=np.zeros(len(ids), np.int32),
        fitted_ids=ids[fit_rows],
        fitted_by=np.zeros(len(fit_rows), np.int32),
        frozen=encoder.frozen_features,
    )
    if not folds:
        return Trained(model, features, None, curves)

    scored = features.rows(fit_rows)
    seen: list[NDArray[np.intp]] = []
    largest = int(np.bincount(labels[fit_rows]).max())
    if largest < folds:
        raise UserError(
            f"{name}: folds is {folds}, but no category has more than {largest} listings of the "
            "train part that this model reads; set fewer folds, or add listings"
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    splits = splitter.split(fit_rows, labels[fit_rows], groups[fit_rows])
    for number, (rest, fold) in enumerate(splits, start=1):
        fold_model, _ = encoder.fit(fit_rows[rest], val_rows, number)
        scored.features[fold], scored.probs[fold] = encoder.score(fold_model, fit_rows[fold])
        scored.scored_by[fold] = number
        seen.append(rest)
    out_of_fold = ModelOutput(
        ids=scored.ids,
        features=scored.features,
        probs=scored.probs,
        classes=classes,
        scored_by=scored.scored_by,
        fitted_ids=np.concatenate([scored.ids[rest] for rest in seen]),
        fitted_by=np.repeat(np.arange(1, folds + 1), [len(r) for r in seen]).astype(np.int32),
        frozen=encoder.frozen_features,
    )
    return Trained(model, features, out_of_fold, curves)
