"""One row in one round: fit its encoder and its folds, score every listing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from src.artifacts.outputs import ModelOutput
from src.core.errors import UserError
from src.core.listings import labels_of
from src.core.wording import count_of
from src.encoders.common.encoder import (
    Encoder,
    EncoderOutput,
    FitPlan,
    FittedModel,
    LeavesGroupsOut,
    best_epoch,
)
from src.encoders.common.projection import projected

# Positions among the listings that an encoder reads: those to fit on, and those to score.
Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True)
class Trained:
    """A fitted model and its outputs.

    Listings of which a model knows nothing are not in its outputs.

    Attributes:
        model: encoder 0, fitted on the train and the val split.
        output: of every listing that the row can read, by this encoder.
        out_of_fold: of listings that it was fitted on, by encoders that were not, their features
            projected into its space; or by itself, as if without the listing's group.
        curves: one row per epoch; empty where nothing is fitted in epochs.
    """

    model: FittedModel
    output: ModelOutput
    out_of_fold: ModelOutput
    curves: pd.DataFrame


@dataclass(frozen=True)
class _Listings:
    """The N listings that an encoder reads."""

    ids: NDArray[np.str_]
    groups: NDArray[np.str_]
    classes: NDArray[np.str_]
    frozen: bool

    def output(
        self,
        found: Sequence[EncoderOutput],
        parts: Sequence[Fold],
        first: int,
        left_out: bool = False,
    ) -> ModelOutput:
        """Join what encoders, numbered from `first`, say of their parts, in the table's order.

        Args:
            left_out: whether each listing was scored as if its group had been left out.
        """
        fitted, scored = zip(*parts, strict=True)
        numbers = np.arange(first, first + len(parts), dtype=np.int32)
        rows = np.concatenate(scored)
        output = ModelOutput(
            ids=self.ids[rows],
            features=np.concatenate([one.features for one in found]),
            probs=np.concatenate([one.probs for one in found]),
            classes=self.classes,
            scored_by=np.repeat(numbers, [len(part) for part in scored]),
            left_out=self.groups[rows] if left_out else np.full(len(rows), ""),
            fitted_ids=self.ids[np.concatenate(fitted)],
            fitted_by=np.repeat(numbers, [len(part) for part in fitted]),
            frozen=self.frozen,
        )
        known = np.concatenate([one.known for one in found])
        order = np.argsort(rows)
        return output.subset(order[known[order]])


def train(
    encoder: Encoder,
    table: pd.DataFrame,
    folds: int,
    seed: int,
    name: str,
    unfinished: Path | None = None,
) -> Trained:
    """Fit on train and val and score every listing; score those of train and val out of fold.

    An encoder that stops early is first fitted on train, with val to find the number of epochs.
    All other fits run that many. An encoder that can leave out groups needs one fit alone.

    Args:
        table: the prepared listings.
        folds: K: each of K folds of train and val is scored by a model fitted without it.
            0: val is scored by a model fitted on train. Not for an encoder that leaves out groups.
        unfinished: where fits are kept until the row is done; None for nowhere.

    Raises:
        UserError: the encoder can read no listing of the train or the val split, or no category
            has as many listings as there are folds.
    """
    classes, every_label = labels_of(table)
    read = table.iloc[encoder.rows]
    ids, split, groups = (read[c].to_numpy(dtype=str) for c in ("id", "split", "group"))
    labels = every_label[encoder.rows]
    train_rows, val_rows = np.flatnonzero(split == "train"), np.flatnonzero(split == "val")
    if not len(train_rows) or not len(val_rows):
        raise UserError(
            f"{name} can read {count_of(len(train_rows), 'listing')} of the train split and "
            f"{len(val_rows)} of the val split; expected some of each: add listings with a photo "
            "or text, or take the row out of rows.image or rows.text"
        )
    _require_two_categories(labels[train_rows], f"{name}: the train split")
    both, everything = np.flatnonzero(split != "test"), np.arange(len(ids))
    about = _Listings(ids, groups, classes, encoder.frozen_features)
    if isinstance(encoder, LeavesGroupsOut):
        model, probs = encoder.fit_and_leave_out(both, FitPlan(seed, name))
        full = _score(encoder, model, everything, name)
        without = _finite(EncoderOutput(full.features[both], probs, full.known[both]), name)
        return Trained(
            model,
            about.output([full], [(both, everything)], 0),
            about.output([without], [(both, both)], 0, left_out=True),
            pd.DataFrame(),
        )

    parts = [(train_rows, val_rows)]
    if folds:
        parts = _folds(both, labels[both], groups[both], folds, seed, name)
    stopped, curves = None, pd.DataFrame()
    if encoder.stops_early:
        stopped, curves = encoder.fit(train_rows, FitPlan(seed, name, val_rows, None, unfinished))
    epochs = best_epoch(curves)
    plan = FitPlan(seed, f"{name}, train + val", None, epochs, unfinished)
    model, _ = encoder.fit(both, plan)
    full = _score(encoder, model, everything, name)

    found = []
    for number, (rest, held_out) in enumerate(parts, start=1):
        # Without folds this is the fit that val has stopped.
        fold_model = stopped
        if folds or fold_model is None:
            plan = FitPlan(seed + number, f"{name}, fold {number}", None, epochs, unfinished)
            fold_model, _ = encoder.fit(rest, plan)
        found.append(_score_held_out(encoder, fold_model, full, rest, held_out, name))
    return Trained(
        model, about.output([full], [(both, everything)], 0), about.output(found, parts, 1), curves
    )


def _folds(
    rows: NDArray[np.intp],
    labels: NDArray[np.int64],
    groups: NDArray[np.str_],
    folds: int,
    seed: int,
    name: str,
) -> list[Fold]:
    largest = int(np.bincount(labels).max())
    if largest < folds:
        raise UserError(
            f"{name}: folds is {folds}, but no category has more than "
            f"{count_of(largest, 'listing')} to fit on; set fewer folds, or add listings"
        )
    found = []
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for number, (rest, held_out) in enumerate(splitter.split(rows, labels, groups), start=1):
        _require_two_categories(labels[rest], f"{name}: what is left without fold {number}")
        found.append((rows[rest], rows[held_out]))
    return found


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
    return _finite(encoder.score(model, rows), name)


def _finite(found: EncoderOutput, name: str) -> EncoderOutput:
    if not (np.isfinite(found.features).all() and np.isfinite(found.probs).all()):
        raise UserError(
            f"{name}: training diverged, its outputs are NaN or infinite; lower its lr, or set "
            "trainer.precision to 32-true"
        )
    return found


def _score_held_out(
    encoder: Encoder,
    model: FittedModel,
    full: EncoderOutput,
    rest: NDArray[np.intp],
    held_out: NDArray[np.intp],
    name: str,
) -> EncoderOutput:
    """Score a fold by a model fitted on the rest, with features in the space of `full`."""
    if encoder.frozen_features:
        return _score(encoder, model, held_out, name)
    found = _score(encoder, model, np.concatenate([rest, held_out]), name)
    n = len(rest)
    features = projected(found.features[n:], found.features[:n], full.features[rest])
    return EncoderOutput(features, found.probs[n:], found.known[n:])
