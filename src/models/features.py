"""What one model knows of the listings, and which of them it has seen.

The unit of the honest comparison: a score counts only where the encoder that made it was fitted
on neither the listing nor a near-duplicate of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.errors import UserError
from src.files import write_npz


class LeakError(UserError):
    """A row would be scored by something that has seen it."""


@dataclass(frozen=True)
class Features:
    """Features and probabilities of N listings by one row of the results table.

    One row may be several fitted encoders: number 0 is fitted on the whole train part, numbers
    1..K are the encoders of K folds, each fitted without its fold.

    Attributes:
        ids: listings, [N].
        x: features, [N, D] float32; those of different encoders are not one space.
        probs: class probabilities, [N, C] float32.
        classes: names of the classes, [C].
        scored_by: the number of the encoder that made each row, [N].
        fitted_ids, fitted_by: pairs of a listing and an encoder fitted on it, [M] each.
        frozen: whether `x` comes from a network that no listing was used to fit, so that the
            features (not the probabilities) are unseen for every row and lie in one space.
    """

    ids: NDArray[np.str_]
    x: NDArray[np.float32]
    probs: NDArray[np.float32]
    classes: NDArray[np.str_]
    scored_by: NDArray[np.int32]
    fitted_ids: NDArray[np.str_]
    fitted_by: NDArray[np.int32]
    frozen: bool

    def __post_init__(self) -> None:
        n, c = len(self.ids), len(self.classes)
        shapes = {
            "x": (n, self.x.shape[-1]),
            "probs": (n, c),
            "scored_by": (n,),
            "fitted_by": (len(self.fitted_ids),),
        }
        for name, expected in shapes.items():
            found = getattr(self, name).shape
            if found != expected:
                raise ValueError(f"{name} has shape {found}, expected {expected}")
        if not np.isfinite(self.x).all() or not np.isfinite(self.probs).all():
            raise ValueError("features and probabilities must be finite")

    def save(self, path: Path) -> None:
        """Write an .npz without pickle; equal content gives equal bytes."""
        write_npz(path, vars(self))

    @classmethod
    def load(cls, path: Path) -> Features:
        with np.load(path, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
        content["frozen"] = bool(content["frozen"])
        return cls(**content)

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Features:
        """The chosen rows; what the encoders were fitted on stays."""
        return Features(
            self.ids[chosen],
            self.x[chosen],
            self.probs[chosen],
            self.classes,
            self.scored_by[chosen],
            self.fitted_ids,
            self.fitted_by,
            self.frozen,
        )

    def unseen(self, groups: pd.Series) -> NDArray[np.bool_]:
        """Mark the rows scored by an encoder that saw nothing of their group, [N].

        Args:
            groups: the near-duplicate group of every listing, indexed by id.
        """
        fitted = pd.MultiIndex.from_arrays(
            [groups.reindex(self.fitted_ids).to_numpy(), self.fitted_by]
        )
        scored = pd.MultiIndex.from_arrays([groups.reindex(self.ids).to_numpy(), self.scored_by])
        return ~scored.isin(fitted)

    def require_unseen(self, groups: pd.Series, purpose: str) -> None:
        """Raise LeakError, naming the listings, unless every row is unseen."""
        seen = self.ids[~self.unseen(groups)]
        if len(seen):
            raise LeakError(
                f"{purpose}: {len(seen)} listings were scored by an encoder that was fitted on "
                f"them or on their near-duplicates: {', '.join(seen[:5])}"
                f"{', …' if len(seen) > 5 else ''}; "
                "use rows of another part, or out-of-fold scores (folds in params.yaml)"
            )
