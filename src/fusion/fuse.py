"""Joining what an image model and a text model know of a listing with its price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from src.artifacts.outputs import RowOutput
from src.core.errors import UserError
from src.core.listings import labels_of
from src.fusion.blocks import model_block, price_block, with_out_of_fold
from src.fusion.fused import FusedClassifier
from src.fusion.heads import make_head
from src.fusion.predictions import Predictions

# What is hidden for each of the scores that show what a fused row does with less.
HIDDEN = {
    "photo_only": frozenset({"text", "price"}),
    "text_only": frozenset({"photo", "price"}),
    "no_price": frozenset({"price"}),
}


@dataclass(frozen=True)
class Fused:
    model: FusedClassifier
    predictions: Predictions


def fuse(
    table: pd.DataFrame, image: RowOutput, text: RowOutput, spec: dict[str, Any], seed: int
) -> Fused:
    """Fit one head on train and val listings that no encoder saw; score the test part.

    Args:
        table: the prepared listings.
        spec: the row's entry under `fusion` in params.yaml.

    Raises:
        LeakError: an encoder was fitted on a listing of the test part, or its near-duplicate.
        UserError: there is nothing left to learn from, or the entry asks for something unknown.
    """
    inputs = spec["inputs"]
    if spec["head"] == "stack" and inputs != "probs":
        raise UserError(
            f"inputs is {inputs!r}; the head stack weighs probabilities alone: "
            "set inputs to probs, or choose another head"
        )
    classes, y = labels_of(table)
    test = (table["split"] == "test").to_numpy()
    groups = table.set_index("id")["group"]
    blocks = {}
    for name, scores in (("photo", image), ("text", text)):
        judged = scores.full.rows(np.isin(scores.full.ids, table["id"].to_numpy(dtype=str)[test]))
        judged.require_unseen(groups, f"judging on the test part by {name}")
        blocks[name] = model_block(
            table, with_out_of_fold(scores.full, scores.out_of_fold, inputs), inputs
        )
    if spec["price"]:
        blocks["price"] = price_block(table)
    learnable = ~test & np.logical_and.reduce([block.unseen for block in blocks.values()])
    if len(np.unique(y[learnable])) < 2:
        raise UserError(
            f"{int(learnable.sum())} listings were seen by neither encoder, too few to fit a head "
            "on: enlarge prepare.parts.val, or set folds of both models"
        )
    head = make_head(spec["head"], spec["settings"], len(classes), seed)
    # One model's probabilities need no more than a scale, and keep their order; the penalty leaves
    # the classes no weights of their own.
    alone = make_head("stack", {"penalty": 1e6}, len(classes), seed) if inputs == "probs" else None
    model = FusedClassifier(head, len(classes), alone).fit(blocks, y, ~test)
    predictions = Predictions(
        ids=table["id"].to_numpy(dtype=str)[test],
        classes=classes,
        probs=model.predict_proba(blocks)[test],
        without={name: model.predict_proba(blocks, hide)[test] for name, hide in HIDDEN.items()},
        seen=np.zeros(int(test.sum()), bool),
    )
    return Fused(model, predictions)
