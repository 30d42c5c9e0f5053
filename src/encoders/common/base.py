"""What the encoders of a network share: its listings, its settings, its frozen features."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from src.core.schema import NetworkSettings, Trainer
from src.encoders.common.encoder import EncoderOutput
from src.encoders.common.features import FrozenFeatures
from src.encoders.common.loading import NetworkData
from src.encoders.common.network_classifier import NetworkClassifier

Settings = TypeVar("Settings", bound=NetworkSettings)


class NetworkEncoder(Generic[Settings]):
    """The listings that a network reads, with their labels, and how it is to be fitted."""

    def __init__(
        self,
        data: NetworkData,
        labels: NDArray[np.int64],
        classes: Sequence[str],
        settings: Settings,
        trainer: Trainer,
        seed: int,
        name: str,
    ) -> None:
        """Take the listings, and the label of every listing of the prepared table."""
        self.data, self.rows, self.labels = data, data.rows, labels[data.rows]
        self.classes, self.settings, self.trainer = classes, settings, trainer
        self.seed, self.name = seed, name


class FrozenEncoder(NetworkEncoder[Settings]):
    """A network of which only the head is fitted, on features that are computed once."""

    frozen_features = True

    @cached_property
    def frozen(self) -> FrozenFeatures:
        """The features, which every fold uses."""
        return FrozenFeatures(
            self.data, self.labels, self.settings, self.trainer, self.seed, self.name
        )

    def reuse(self, features: NDArray[np.float32]) -> None:
        """Take features [N, D] that an earlier run has computed."""
        self.frozen.computed = [torch.from_numpy(features)]

    def score(self, model: NetworkClassifier, rows: NDArray[np.intp]) -> EncoderOutput:
        """Return features and probabilities of the rows."""
        x = self.frozen.plain[rows]
        return EncoderOutput(x.numpy(), model.probs(x), np.ones(len(x), bool))
