"""The contract between encoders and the code that fits, scores and saves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol

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


class Encoder(Protocol):
    """Fits models on some listings and scores others. Rows count the listings that it can read.

    Attributes:
        rows: positions of these listings in the prepared table, [N].
        frozen_features: whether the features come from weights that fitting does not change.
        stops_early: whether fitting needs listings of the val split to know when to stop.
    """

    rows: NDArray[np.intp]
    frozen_features: bool
    stops_early: bool

    def fit(
        self, train: NDArray[np.intp], val: NDArray[np.intp], fold: int
    ) -> tuple[FittedModel, pd.DataFrame]:
        """Fit a model on rows; return it and its curves, one row per epoch.

        Args:
            fold: 0 for all of the train split, k for a fit without the k-th fold.
        """
        ...

    def score(self, model: Any, rows: NDArray[np.intp]) -> EncoderOutput:
        """Score rows with a model that `fit` returned."""
        ...
