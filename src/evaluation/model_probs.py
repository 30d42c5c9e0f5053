"""The probabilities that one image or text model gives listings which it has not seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import ModelOutput


def unseen_probs(
    table: pd.DataFrame, row: str, output: ModelOutput, split: str
) -> NDArray[np.float32]:
    """Return the probabilities of the listings of a split, [M, C], as `probs_or_prior` does.

    Args:
        table: the prepared listings, with the split of one round.
        row: the model's row, for the message.

    Raises:
        LeakError: one of them was scored by an encoder that was fitted on it or on its
            near-duplicate.
    """
    chosen = (table["split"] == split).to_numpy()
    scored = output.subset(np.isin(output.ids, table["id"].to_numpy(dtype=str)[chosen]))
    scored.require_unseen(table.set_index("id")["group"], f"scoring {row} on the {split} split")
    return probs_or_prior(table, scored, chosen)


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
