"""What the two chosen models and the price say of each listing, as blocks for the heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import ModelOutput
from src.core.errors import UserError

INPUTS = ("features", "probs", "both")
# Log-probabilities below this say no more than "not this class".
SMALLEST_PROB = 1e-3


@dataclass(frozen=True)
class Block:
    """One modality's columns for all N listings of the table.

    Attributes:
        x: columns, [N, D]; rows without the modality are 0.
        present: which listings have the modality, [N].
        unseen: which listings no encoder behind `x` was fitted on, [N]; true where absent.
    """

    x: NDArray[np.float32]
    present: NDArray[np.bool_]
    unseen: NDArray[np.bool_]


def model_block(table: pd.DataFrame, output: ModelOutput, inputs: str) -> Block:
    """Build the block of one model.

    Args:
        table: the prepared listings.
        output: what that model says; listings without the modality are not among them.
        inputs: features, probs (as centred log-probabilities), or both.
    """
    if inputs not in INPUTS:
        raise UserError(
            f"inputs is {inputs!r}; expected one of {', '.join(INPUTS)}: set it in params.yaml"
        )
    compact = model_columns(output.features, output.probs, inputs)
    groups = table.set_index("id")["group"]
    # A frozen network's features have seen no listing, whoever fitted the head above them.
    unseen = output.unseen(groups)
    if inputs == "features" and output.frozen:
        unseen = np.ones(len(output.ids), dtype=bool)
    place = pd.Index(table["id"]).get_indexer(pd.Index(output.ids))
    x = np.zeros((len(table), compact.shape[1]), np.float32)
    x[place] = compact
    present, all_unseen = np.zeros(len(table), bool), np.ones(len(table), bool)
    present[place] = True
    all_unseen[place] = unseen
    return Block(x, present, all_unseen)


def model_columns(
    x: NDArray[np.float32], probs: NDArray[np.float32], inputs: str
) -> NDArray[np.float32]:
    """Return what the heads read of a model's features [N, D] and probabilities [N, C]."""
    columns = []
    if inputs != "probs":
        columns.append(_unit_scale(x))
    if inputs != "features":
        logs = np.log(np.maximum(probs, SMALLEST_PROB))
        columns.append(logs - logs.mean(1, keepdims=True))
    return np.concatenate(columns, axis=1)


def price_block(table: pd.DataFrame) -> Block:
    """Build the block of the price: its logarithm, for raw prices span six orders; [N, 1]."""
    price = table["price"].to_numpy(dtype=float, na_value=np.nan)
    present = np.isfinite(price)
    x = np.where(present, np.log1p(np.where(present, price, 0.0)), 0.0)[:, None]
    return Block(x.astype(np.float32), present, np.ones(len(table), bool))


def with_out_of_fold(
    full: ModelOutput, out_of_fold: ModelOutput | None, inputs: str
) -> ModelOutput:
    """Put out-of-fold scores in the place of those by an encoder that saw the listing.

    Features of separately tuned encoders are not one space: then, unless only probabilities are
    wanted, the heads have to do with the listings that the one encoder has not seen.
    """
    if out_of_fold is None or (inputs != "probs" and not full.frozen):
        return full
    kept = full.rows(~np.isin(full.ids, out_of_fold.ids))
    joined = {
        name: np.concatenate([getattr(kept, name), getattr(out_of_fold, name)])
        for name in ("ids", "features", "probs", "scored_by", "fitted_ids", "fitted_by")
    }
    return ModelOutput(classes=kept.classes, frozen=kept.frozen, **joined)


def _unit_scale(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring the features of any network to one scale: rows of unit length, [N, D]."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-6)
