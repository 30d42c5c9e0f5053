"""One row in one round: fit its encoder and its folds, score every listing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from src.artifacts.outputs import ModelOutput
from src.core.errors import UserError
from src.core.listings import labels_of
from src.core.wording import count_of
from src.encoders.common.encoder import Encoder, EncoderOutput, FittedModel


@dataclass(frozen=True)
class Trained:
    """A fitted model and its outputs.

    Listings of which a model knows nothing are not in its outputs.

    Attributes:
        output: of every listing that the row can read.
        out_of_fold: of the listings that the model was fitted on, by models that were not.
        curves: one row per epoch; empty where nothing is fitted in epochs.
    """

    model: FittedModel
    output: ModelOutput
    out_of_fold: ModelOutput | None
    curves: pd.DataFrame


def train(encoder: Encoder, table: pd.DataFrame, folds: int, seed: int, name: str) -> Trained:
    """Fit on the train split and score every listing; score the train split out of fold.

    With folds, an encoder that does not stop early is fitted on the val split as well, for which
    it has no other use; these listings are scored out of fold too.

    Args:
        table: the prepared listings.
        folds: 0, or the number K of folds; each is scored by a model fitted without it.

    Raises:
        UserError: the encoder can read no listing of the train or the val split, or no category
            has as many listings as there are folds.
    """
    classes, every_label = labels_of(table)
    read = table.iloc[encoder.rows]
    ids, split, groups = (read[c].to_numpy(dtype=str) for c in ("id", "split", "group"))
    labels = every_label[encoder.rows]
    fit_rows, val_rows = np.flatnonzero(split == "train"), np.flatnonzero(split == "val")
    if not len(fit_rows) or not len(val_rows):
        raise UserError(
            f"{name} can read {count_of(len(fit_rows), 'listing')} of the train split and "
            f"{len(val_rows)} of the val split; expected some of each: add listings with a photo "
            "or text, or take the row out of rows.image or rows.text"
        )
    _require_two_categories(labels[fit_rows], f"{name}: the train split")

    if folds and not encoder.stops_early:
        fit_rows = np.flatnonzero((split == "train") | (split == "val"))
    model, curves = encoder.fit(fit_rows, val_rows, 0)
    x, probs, known = _score(encoder, model, np.arange(len(ids)), name)
    output = ModelOutput(
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
        return Trained(model, output.subset(known), None, curves)

    largest = int(np.bincount(labels[fit_rows]).max())
    if largest < folds:
        raise UserError(
            f"{name}: folds is {folds}, but no category has more than "
            f"{count_of(largest, 'listing')} to fit on; set fewer folds, or add listings"
        )
    scored = output.subset(fit_rows)
    known_out = np.zeros(len(fit_rows), bool)
    fitted_on: list[NDArray[np.intp]] = []
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    splits = splitter.split(fit_rows, labels[fit_rows], groups[fit_rows])
    for fold, (rest, held_out) in enumerate(splits, start=1):
        _require_two_categories(labels[fit_rows[rest]], f"{name}: what is left without fold {fold}")
        fold_model, _ = encoder.fit(fit_rows[rest], val_rows, fold)
        fold_output = _score(encoder, fold_model, fit_rows[held_out], name)
        scored.features[held_out], scored.probs[held_out], known_out[held_out] = fold_output
        scored.scored_by[held_out] = fold
        fitted_on.append(rest)
    out_of_fold = ModelOutput(
        ids=scored.ids,
        features=scored.features,
        probs=scored.probs,
        classes=classes,
        scored_by=scored.scored_by,
        fitted_ids=np.concatenate([scored.ids[rest] for rest in fitted_on]),
        fitted_by=np.repeat(np.arange(1, folds + 1), [len(r) for r in fitted_on]).astype(np.int32),
        frozen=encoder.frozen_features,
    )
    return Trained(model, output.subset(known), out_of_fold.subset(known_out), curves)


def _require_two_categories(labels: NDArray[np.int64], where: str) -> None:
    found = len(np.unique(labels))
    if found < 2:
        raise UserError(
            f"{where} has listings of {found or 'no'} category that this row can read; expected at "
            "least 2: add listings, set fewer folds, or take the row out of rows.image or rows.text"
        )


def _score(
    encoder: Encoder, model: FittedModel, rows: NDArray[np.intp], name: str
) -> EncoderOutput:
    found = encoder.score(model, rows)
    if not (np.isfinite(found.features).all() and np.isfinite(found.probs).all()):
        raise UserError(
            f"{name}: training diverged, its outputs are NaN or infinite; lower its lr, or set "
            "trainer.precision to 32-true"
        )
    return found
