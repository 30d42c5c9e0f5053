"""The contract between encoders and the code that fits, scores and saves them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class EncoderOutput(NamedTuple):
    """What a model says of N listings.

    Attributes:
        features: [N, D].
        probs: class probabilities, [N, C].
        known: of which the model knows anything, [N]; the rest counts as having no photo or text.
    """

    features: NDArray[np.float32]
    probs: NDArray[np.float32]
    known: NDArray[np.bool_]

    def only_known(self) -> EncoderOutput:
        """Return what it says of the known listings."""
        known = self.known
        return EncoderOutput(self.features[known], self.probs[known], known[known])


class FittedModel(Protocol):
    """A model that writes all that its loading needs into a folder."""

    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class FitPlan:
    """How one model is fitted. Only encoders that stop early read what follows `name`.

    Attributes:
        name: what the progress bar and errors call this fit; no other of its stage has it.
        val: rows that choose the best epoch and when to stop; None: `epochs` says when.
        epochs: how many of the planned epochs are run, where there is no `val`.
        unfinished: the folder in which a killed fit is kept, see `src.core.unfinished`; None: it
            starts again.
    """

    seed: int
    name: str
    val: NDArray[np.intp] | None = None
    epochs: int | None = None
    unfinished: Path | None = None


@runtime_checkable
class LeavesGroupsOut(Protocol):
    """An encoder that knows what each fitted model would be without one near-duplicate group."""

    def fit_and_leave_out(
        self, train: NDArray[np.intp], plan: FitPlan
    ) -> tuple[FittedModel, NDArray[np.float32]]:
        """Fit a model on N rows.

        Returns:
            The model, and probabilities [N, C] of each row as if its group had been left out.
        """
        ...


@runtime_checkable
class ReusesFeatures(Protocol):
    """An encoder that can take frozen features which an earlier run has computed."""

    def reuse(self, features: NDArray[np.float32]) -> None: ...


class Encoder(Protocol):
    """Fits models on some listings and scores others. Rows count the listings that it can read.

    Attributes:
        rows: positions of these listings in the prepared table, [N].
        frozen_features: whether the features come from weights that fitting does not change.
        stops_early: whether the number of epochs has to be found on listings of the val split.
    """

    rows: NDArray[np.intp]
    frozen_features: bool
    stops_early: bool

    def fit(self, train: NDArray[np.intp], plan: FitPlan) -> tuple[FittedModel, pd.DataFrame]:
        """Fit a model on rows; return it and its curves, one row per epoch judged on val."""
        ...

    def score(self, model: Any, rows: NDArray[np.intp]) -> EncoderOutput:
        """Score rows with a model that `fit` returned."""
        ...


def best_epoch(curves: pd.DataFrame) -> int | None:
    """Return the first epoch with the highest macro F1 on val; None of curves without epochs."""
    if not len(curves):
        return None
    return int(curves["epoch"].iloc[int(curves["val_f1_macro"].argmax())])
