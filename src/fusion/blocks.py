"""The columns that heads read: the outputs of the two chosen models, and the price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import ModelOutput, RowOutput
from src.core.schema import Inputs

# Below this share of chance, log-probabilities only say "not this class".
_SMALLEST_OF_CHANCE = 0.01
# What the two rows that a joined row joins are called.
PARTS = ("first", "second")


@dataclass(frozen=True)
class Block:
    """One modality's columns for all N listings of a table.

    Attributes:
        columns: what heads read, [N, D]; 0 for listings without the modality.
        logs: centred log-probabilities by the modality's model, [N, C], 0 for listings without it;
            the same array as `columns` where heads read nothing else; None for the price, which has
            no model.
        features: of the model, [N, F], 0 for listings without it, where heads read them, too: not
            as they are, but a few components of them. None: they read no features.
        present: whether a listing has the modality, [N].
        unseen: whether the encoder behind the block was fitted on neither the listing nor a
            near-duplicate of it, or left out their group, [N]; true where the modality is absent.
    """

    columns: NDArray[np.float32]
    logs: NDArray[np.float32] | None
    present: NDArray[np.bool_]
    unseen: NDArray[np.bool_]
    features: NDArray[np.float32] | None = None

    def only(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Block:
        """Return the block of some of the listings, by mask or position."""
        columns = self.columns[rows]
        logs = columns if self.logs is self.columns else self.logs
        if logs is not None and logs is not columns:
            logs = logs[rows]
        features = None if self.features is None else self.features[rows]
        return Block(columns, logs, self.present[rows], self.unseen[rows], features)


def model_block(table: pd.DataFrame, output: ModelOutput, inputs: Inputs) -> Block:
    """Build the block of one model.

    Args:
        table: the prepared listings.
        output: of the model; listings without the modality are not in it.
        inputs: which of its outputs are read.
    """
    rows = pd.Index(table["id"]).get_indexer(pd.Index(output.ids))
    unseen = np.ones(len(table), bool)
    unseen[rows] = output.unseen(table.set_index("id")["group"])
    return block_of(len(table), rows, output.features, output.probs, inputs, unseen)


def block_of(
    n: int,
    rows: NDArray[np.intp],
    features: NDArray[np.float32],
    probs: NDArray[np.float32],
    inputs: Inputs,
    unseen: NDArray[np.bool_],
) -> Block:
    """Build a block for N listings from the outputs for M of them.

    Args:
        rows: positions of the M listings.
        features: [M, D]; scaled to rows of unit length, so that all networks are alike.
        probs: [M, C]; read as centred log-probabilities.
        inputs: features, probs or both.
        unseen: as in a block, [N].
    """
    present = np.zeros(n, bool)
    present[rows] = True
    logs = _placed(n, rows, _log_probs(probs))
    if inputs == "probs":
        return Block(logs, logs, present, unseen)
    columns = logs if inputs == "both" else np.zeros((n, 0), np.float32)
    return Block(columns, logs, present, unseen, _placed(n, rows, of_unit_length(features)))


def of_unit_length(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each row of features [N, D] to length 1; rows of zeros stay."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(lengths, np.float32(1e-6))


def joined_features(
    n: int, features: Sequence[NDArray[np.float32]], rows: Sequence[NDArray[np.intp]]
) -> NDArray[np.float32]:
    """Put the features of two parts side by side, [N, D1 + D2], each part's of unit length.

    Args:
        features: of each part, [N1, D1] and [N2, D2].
        rows: their listings among the N, [N1] and [N2]; the others get zeros.
    """
    ends = np.cumsum([0, *(x.shape[1] for x in features)])
    found = np.zeros((n, ends[-1]), np.float32)
    for x, row, (start, end) in zip(features, rows, pairwise(ends), strict=True):
        found[row, start:end] = of_unit_length(x)
    return found


def _placed(n: int, rows: NDArray[np.intp], some: NDArray[np.float32]) -> NDArray[np.float32]:
    found = np.zeros((n, some.shape[1]), np.float32)
    found[rows] = some
    return found


def _log_probs(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    smallest = _SMALLEST_OF_CHANCE / max(probs.shape[1], 1)
    logs = np.log(np.maximum(probs, np.float32(smallest)))
    return logs - logs.mean(1, keepdims=True)


def price_block(table: pd.DataFrame) -> Block:
    """Build the block of the price, [N, 1]: its logarithm, for prices span six orders."""
    price = table["price"].to_numpy(dtype=float, na_value=np.nan)
    present = np.isfinite(price)
    logs = np.where(present, np.log1p(np.where(present, price, 0.0)), 0.0)[:, None]
    return Block(logs.astype(np.float32), None, present, np.ones(len(table), bool))


def with_out_of_fold(output: RowOutput) -> ModelOutput:
    """Return a row's outputs, the out-of-fold ones in place of the full encoder's."""
    full, out_of_fold = output.full, output.out_of_fold
    kept = full.subset(~np.isin(full.ids, out_of_fold.ids))
    joined = {
        name: np.concatenate([getattr(kept, name), getattr(out_of_fold, name)])
        for name in ("ids", "features", "probs", "scored_by", "left_out", "fitted_ids", "fitted_by")
    }
    return ModelOutput(classes=kept.classes, frozen=kept.frozen, **joined)
