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

from src.core.errors import UserError
from src.core.files import write_npz


class LeakError(UserError):
    """A row would be scored by something that has seen it."""


@dataclass(frozen=True)
class ModelOutput:
    """Features and probabilities of N listings by one row of the results table.

    One row may be several fitted encoders: number 0 is fitted on the whole train part, numbers
    1..K are the encoders of K folds, each fitted without its fold.

    Attributes:
        ids: listings, [N].
        features: [N, D] float32; those of different encoders are not one space.
        probs: class probabilities, [N, C] float32.
        classes: names of the classes, [C].
        scored_by: the number of the encoder that made each row, [N].
        fitted_ids, fitted_by: pairs of a listing and an encoder fitted on it, [M] each.
        frozen: whether `features` come from a network that no listing was used to fit, so that the
            features (not the probabilities) are unseen for every row and lie in one space.
    """

    ids: NDArray[np.str_]
    features: NDArray[np.float32]
    probs: NDArray[np.float32]
    classes: NDArray[np.str_]
    scored_by: NDArray[np.int32]
    fitted_ids: NDArray[np.str_]
    fitted_by: NDArray[np.int32]
    frozen: bool

    def __post_init__(self) -> None:
        n, c = len(self.ids), len(self.classes)
        shapes = {
            "features": (n, self.features.shape[-1]),
            "probs": (n, c),
            "scored_by": (n,),
            "fitted_by": (len(self.fitted_ids),),
        }
        for name, expected in shapes.items():
            found = getattr(self, name).shape
            if found != expected:
                raise ValueError(f"{name} has shape {found}, expected {expected}")
        if not np.isfinite(self.features).all() or not np.isfinite(self.probs).all():
            raise ValueError("features and probabilities must be finite")

    def save(self, path: Path) -> None:
        """Write an .npz without pickle; equal content gives equal bytes."""
        write_npz(path, vars(self))

    @classmethod
    def load(cls, path: Path) -> ModelOutput:
        with np.load(path, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
        content["frozen"] = bool(content["frozen"])
        return cls(**content)

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> ModelOutput:
        """The chosen rows; what the encoders were fitted on stays."""
        return ModelOutput(
            self.ids[chosen],
            self.features[chosen],
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


@dataclass(frozen=True)
class RowOutput:
    """One row's outputs in one round of cross-validation.

    Attributes:
        full: for every listing that the row can read, by the encoder fitted on the whole train
            split.
        out_of_fold: for the listings that encoder was fitted on, by encoders that were not; None
            where the row has no folds.
    """

    full: ModelOutput
    out_of_fold: ModelOutput | None

    @staticmethod
    def folder(row: Path, cv_round: int) -> Path:
        """Return where the files of one round lie; most tables have one, number 0."""
        return row if cv_round == 0 else row / f"round_{cv_round}"

    def save(self, row: Path, cv_round: int = 0) -> None:
        """Write into the row's folder, each round of cross-validation in a folder of its own."""
        folder = self.folder(row, cv_round)
        folder.mkdir(parents=True, exist_ok=True)
        self.full.save(folder / "features.npz")
        if self.out_of_fold is not None:
            self.out_of_fold.save(folder / "out_of_fold.npz")

    @classmethod
    def load(cls, row: Path, cv_round: int = 0) -> RowOutput:
        """Read what `save` wrote."""
        folder = cls.folder(row, cv_round)
        out_of_fold = folder / "out_of_fold.npz"
        return cls(
            ModelOutput.load(folder / "features.npz"),
            ModelOutput.load(out_of_fold) if out_of_fold.exists() else None,
        )
