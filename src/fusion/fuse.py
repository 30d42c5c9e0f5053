"""Fusing the outputs of an image model and a text model with the price."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from src.artifacts.outputs import RowOutput
from src.core.errors import UserError
from src.core.listings import cv_rounds, labels_of
from src.core.schema import FusedModel
from src.core.wording import count_of
from src.fusion.blocks import model_block, price_block, with_out_of_fold
from src.fusion.fused import FusedClassifier
from src.fusion.heads import make_head
from src.fusion.predictions import Predictions

# The modalities hidden for each of the scores that show what a fused row does with less.
_HIDDEN = {
    "photo_only": frozenset({"text", "price"}),
    "text_only": frozenset({"photo", "price"}),
    "no_price": frozenset({"price"}),
}


@dataclass(frozen=True)
class Fused:
    """A fitted model and its predictions for the test split."""

    model: FusedClassifier
    predictions: Predictions


def fuse_rounds(
    table: pd.DataFrame, image: Path, text: Path, settings: FusedModel, seed: int
) -> Fused:
    """Call `fuse` in each round of cross-validation; without folds there is one round.

    Args:
        table: the prepared listings.
        image, text: folders with the outputs of the two chosen models.
        settings: the row's entry in `fusion`.

    Returns:
        The model of round 0, and the predictions of all rounds.

    Raises:
        LeakError, UserError: as `fuse` does.
    """
    predictions = []
    for cv_round, split in enumerate(cv_rounds(table)):
        outputs = [RowOutput.load(folder, cv_round) for folder in (image, text)]
        fused = fuse(table.assign(split=split), outputs[0], outputs[1], settings, seed)
        predictions.append(fused.predictions)
        # The models of later rounds are large, and only one is needed.
        if cv_round == 0:
            model = fused.model
    return Fused(model, Predictions.joined(predictions))


def fuse(
    table: pd.DataFrame, image: RowOutput, text: RowOutput, settings: FusedModel, seed: int
) -> Fused:
    """Fit one head on the train and val listings that no encoder saw; predict the test split.

    Args:
        table: the prepared listings.
        image, text: the outputs of the two chosen models.
        settings: the row's entry in `fusion`.

    Raises:
        LeakError: an encoder was fitted on a test listing or a near-duplicate of one.
        UserError: too few listings are left to fit on.
    """
    classes, y = labels_of(table)
    ids = table["id"].to_numpy(dtype=str)
    test = (table["split"] == "test").to_numpy()
    groups = table.set_index("id")["group"]
    blocks = {}
    for name, output in (("photo", image), ("text", text)):
        tested = output.full.subset(np.isin(output.full.ids, ids[test]))
        tested.require_unseen(groups, f"test split, {name}")
        joined = with_out_of_fold(output, settings.inputs)
        blocks[name] = model_block(table, joined, settings.inputs)
    if settings.price:
        blocks["price"] = price_block(table)
    usable = ~test & np.logical_and.reduce([block.unseen for block in blocks.values()])
    if len(np.unique(y[usable])) < 2:
        raise UserError(
            f"{count_of(int(usable.sum()), 'listing')} unseen by both encoders; expected listings "
            "of at least two categories to fit a head on: enlarge prepare.parts.val, or set "
            "`folds` of both models"
        )
    head = make_head(settings.head, settings.settings, len(classes), seed)
    # The probabilities of one model only need calibration. With this penalty the classes get no
    # weights of their own, so the order of the classes stays.
    calibrated = make_head("stack", {"penalty": 1e6}, len(classes), seed)
    single_model_head = calibrated if settings.inputs == "probs" else None
    model = FusedClassifier(head, classes, single_model_head).fit(blocks, y, ~test)
    predictions = Predictions(
        ids=ids[test],
        classes=classes,
        probs=model.predict_proba(blocks)[test],
        without={
            name: model.predict_proba(blocks, hidden)[test] for name, hidden in _HIDDEN.items()
        },
        seen=np.zeros(int(test.sum()), bool),
    )
    return Fused(model, predictions)
