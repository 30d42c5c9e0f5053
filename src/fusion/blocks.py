"""The columns that heads read: the outputs of the two chosen models, and the price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import ModelOutput, RowOutput
from src.core.schema import Inputs

# Below this, log-probabilities only say "not this class".
_SMALLEST_PROB = 1e-3


@dataclass(frozen=True)
class Block:
    """One modality's columns for all N listings of a table.

    Attributes:
        columns: [N, D]; 0 for listings without the modality.
        present: whether a listing has the modality, [N].
        unseen: whether the encoder behind `columns` was fitted on neither the listing nor a
            near-duplicate of it, [N]; true where the modality is absent.
    """

    columns: NDArray[np.float32]
    present: NDArray[np.bool_]
    unseen: NDArray[np.bool_]


def model_block(table: pd.DataFrame, output: ModelOutput, inputs: Inputs) -> Block:
    """Build the block of one model.

    Args:
        table: the prepared listings.
        output: of the model; listings without the modality are not in it.
        inputs: which of its outputs are read.
    """
    unseen = output.unseen(table.set_index("id")["group"])
    # Features of a frozen network are unseen, whatever the head above it was fitted on.
    if inputs == "features" and output.frozen:
        unseen = np.ones(len(output.ids), dtype=bool)
    read = model_columns(output.features, output.probs, inputs)
    position = pd.Index(table["id"]).get_indexer(pd.Index(output.ids))
    columns = np.zeros((len(table), read.shape[1]), np.float32)
    columns[position] = read
    present, unseen_or_absent = np.zeros(len(table), bool), np.ones(len(table), bool)
    present[position] = True
    unseen_or_absent[position] = unseen
    return Block(columns, present, unseen_or_absent)


def model_columns(
    features: NDArray[np.float32], probs: NDArray[np.float32], inputs: Inputs
) -> NDArray[np.float32]:
    """Return the columns that heads read of a model's outputs, [N, D'].

    Args:
        features: [N, D]; scaled to rows of unit length, so that all networks are alike.
        probs: [N, C]; read as centred log-probabilities.
        inputs: features, probs or both.
    """
    columns = []
    if inputs != "probs":
        length = np.linalg.norm(features, axis=1, keepdims=True)
        columns.append(features / np.maximum(length, 1e-6))
    if inputs != "features":
        logs = np.log(np.maximum(probs, _SMALLEST_PROB))
        columns.append(logs - logs.mean(1, keepdims=True))
    return np.concatenate(columns, axis=1)


def price_block(table: pd.DataFrame) -> Block:
    """Build the block of the price, [N, 1]: its logarithm, for prices span six orders."""
    price = table["price"].to_numpy(dtype=float, na_value=np.nan)
    present = np.isfinite(price)
    logs = np.where(present, np.log1p(np.where(present, price, 0.0)), 0.0)[:, None]
    return Block(logs.astype(np.float32), present, np.ones(len(table), bool))


def with_out_of_fold(output: RowOutput, inputs: Inputs) -> ModelOutput:
    """Return a row's outputs, the out-of-fold ones where its full encoder saw the listing."""
    full, out_of_fold = output.full, output.out_of_fold
    kept = full.subset(~np.isin(full.ids, out_of_fold.ids))
    joined = {
        name: np.concatenate([getattr(kept, name), getattr(out_of_fold, name)])
        for name in ("ids", "features", "probs", "scored_by", "fitted_ids", "fitted_by")
    }
    return ModelOutput(classes=kept.classes, frozen=kept.frozen, **joined)
