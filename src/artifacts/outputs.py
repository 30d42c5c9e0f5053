"""The outputs of one model for the listings, and which listings it was fitted on.

An honest comparison needs both: a score counts only where the encoder that made it was fitted on
neither the listing nor a near-duplicate of it, or says what it would be without their group.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.errors import UserError
from src.core.files import write_npz
from src.core.wording import count_of


class LeakError(UserError):
    """A listing would be scored by an encoder that has seen it."""


@dataclass(frozen=True)
class ModelOutput:
    """Features and probabilities of N listings by one row of the results table.

    A row has several fitted encoders: encoder 0 is fitted on the train and the val split, encoders
    1 to K on these without one of K folds each. Without folds, encoder 1 is fitted on train alone.
    A kernel row has encoder 0 alone, which can say in closed form what it would be without a group.

    Attributes:
        ids: ids of the listings, [N].
        features: [N, D] float32; in the space of encoder 0, whichever encoder scored a listing.
        probs: class probabilities, [N, C] float32.
        classes: names of the classes, [C].
        scored_by: the encoder that scored each listing, [N].
        left_out: the near-duplicate group that this encoder was without, [N]; '' for none.
        fitted_ids, fitted_by: pairs of a listing and an encoder that was fitted on it, [M] each.
        frozen: whether `features` come from a network that was fitted on none of the listings.
            Then they (not the probabilities) are unseen for every listing.

    Raises:
        ValueError: the arrays do not fit each other, or are not finite.
    """

    ids: NDArray[np.str_]
    features: NDArray[np.float32]
    probs: NDArray[np.float32]
    classes: NDArray[np.str_]
    scored_by: NDArray[np.int32]
    left_out: NDArray[np.str_]
    fitted_ids: NDArray[np.str_]
    fitted_by: NDArray[np.int32]
    frozen: bool

    def __post_init__(self) -> None:
        n, c = len(self.ids), len(self.classes)
        shapes = {
            "features": (n, self.features.shape[-1]),
            "probs": (n, c),
            "scored_by": (n,),
            "left_out": (n,),
            "fitted_by": (len(self.fitted_ids),),
        }
        for name, expected in shapes.items():
            found = getattr(self, name).shape
            if found != expected:
                raise ValueError(f"{name} has shape {found}, expected {expected}")
        if not np.isfinite(self.features).all() or not np.isfinite(self.probs).all():
            raise ValueError("features and probabilities must be finite")

    def save(self, path: Path) -> None:
        """Write an .npz file without pickle; equal content gives equal bytes."""
        write_npz(path, vars(self))

    @classmethod
    def load(cls, path: Path) -> ModelOutput:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
        content["frozen"] = bool(content["frozen"])
        return cls(**content)

    def subset(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> ModelOutput:
        """Return the chosen listings, by mask or position; what was fitted on stays the same."""
        return ModelOutput(
            self.ids[chosen],
            self.features[chosen],
            self.probs[chosen],
            self.classes,
            self.scored_by[chosen],
            self.left_out[chosen],
            self.fitted_ids,
            self.fitted_by,
            self.frozen,
        )

    def count_fitted(self) -> int:
        """Return how many listings encoder 0 was fitted on."""
        return len(np.unique(self.fitted_ids[self.fitted_by == 0]))

    def unseen(self, groups: pd.Series) -> NDArray[np.bool_]:
        """Mark the listings whose encoder was fitted on none of their group, or left it out, [N].

        Args:
            groups: the near-duplicate group of every listing, indexed by id.
        """
        fitted = pd.MultiIndex.from_arrays(
            [groups.reindex(self.fitted_ids).to_numpy(), self.fitted_by]
        )
        own = groups.reindex(self.ids).to_numpy()
        scored = pd.MultiIndex.from_arrays([own, self.scored_by])
        return ~scored.isin(fitted) | (own == self.left_out)

    def require_unseen(self, groups: pd.Series, purpose: str) -> None:
        """Check that every listing is unseen.

        Args:
            groups: as for `unseen`.
            purpose: what the scores are wanted for, for the message.

        Raises:
            LeakError: some are not; names them.
        """
        seen = self.ids[~self.unseen(groups)]
        if len(seen):
            raise LeakError(
                f"{purpose}: {count_of(len(seen), 'listing')} scored by an encoder that was fitted "
                f"on the listing itself or on a near-duplicate: {', '.join(seen[:5])}"
                f"{', …' if len(seen) > 5 else ''}; "
                "use listings of another split, or out-of-fold outputs (`folds` of a model in "
                "params.yaml)"
            )


@dataclass(frozen=True)
class RowOutput:
    """One row's outputs in one round of cross-validation.

    Attributes:
        full: of every listing that the row can read, by the encoder of train and val.
        out_of_fold: of listings that this encoder was fitted on, by encoders that were not: all of
            train and val where the row has folds, else those of val. Of a kernel row, all of train
            and val by the same encoder, without the listing's group.
    """

    full: ModelOutput
    out_of_fold: ModelOutput

    @staticmethod
    def folder(row: Path, cv_round: int, repeat: int = 0) -> Path:
        """Return where outputs lie: the row's folder, or one of another round or repeat in it."""
        repeated = row / f"repeat_{repeat}" if repeat else row
        return repeated / f"round_{cv_round}" if cv_round else repeated

    def save(self, row: Path, cv_round: int = 0, repeat: int = 0) -> None:
        """Write the outputs of one round and repeat into the row's folder."""
        folder = self.folder(row, cv_round, repeat)
        folder.mkdir(parents=True, exist_ok=True)
        self.full.save(folder / "features.npz")
        self.out_of_fold.save(folder / "out_of_fold.npz")

    @classmethod
    def load(cls, row: Path, cv_round: int = 0, repeat: int = 0) -> RowOutput:
        """Read what `save` wrote."""
        folder = cls.folder(row, cv_round, repeat)
        return cls(
            ModelOutput.load(folder / "features.npz"),
            ModelOutput.load(folder / "out_of_fold.npz"),
        )
