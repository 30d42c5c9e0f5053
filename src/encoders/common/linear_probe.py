"""Linear probe: a head is fitted on the frozen features of a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from src.core.schema import EpochSettings, Trainer
from src.encoders.common.batches import OrderedBatches, TrainBatches
from src.encoders.common.encoder import EncoderOutput
from src.encoders.common.features import FrozenFeatures
from src.encoders.common.fine_tune import fit_name
from src.encoders.common.loading import FeatureRows, NetworkData, make_loader
from src.encoders.common.network_classifier import NetworkClassifier

# The val rows are only scored, so their batches may be large.
VAL_BATCH = 1024


class LinearProbe:
    """An encoder that fits only a network's head, in epochs over frozen features."""

    frozen_features = True
    stops_early = True

    def __init__(
        self,
        data: NetworkData,
        labels: NDArray[np.int64],
        classes: Sequence[str],
        settings: EpochSettings,
        trainer: Trainer,
        seed: int,
        name: str,
    ) -> None:
        """Take the listings, and the label of every listing of the prepared table."""
        self.data, self.rows, self.labels = data, data.rows, labels[data.rows]
        self.classes, self.settings = classes, settings
        # A head is fitted in a moment: more processes would only have to be started.
        self.trainer = trainer.model_copy(update={"devices": 1, "nodes": 1})
        self.seed, self.name = seed, name
        self.frozen = FrozenFeatures(data, self.labels, settings, trainer, seed, name)

    def fit(
        self, train: NDArray[np.intp], val: NDArray[np.intp], fold: int
    ) -> tuple[NetworkClassifier, pd.DataFrame]:
        """Fit on the train rows; the val rows decide which epoch is best and when to stop."""
        # Imported late: Lightning takes four seconds.
        from src.encoders.common.fit import fit

        torch.manual_seed(self.seed + fold)
        model = self.data.start(self.classes)
        views = self.frozen.of(model.network, self.data.views)
        labels = self.labels[train]
        balanced = self.settings.imbalance == "sampler"
        batches = TrainBatches(labels, self.settings.batch, self.seed + fold, balanced)
        curves = fit(
            model.network.head,  # type: ignore[arg-type]
            make_loader(FeatureRows(views, self.labels, train), batches),
            make_loader(
                FeatureRows(views[:1], self.labels, val), OrderedBatches(len(val), VAL_BATCH)
            ),
            labels,
            len(self.classes),
            self.settings,
            self.trainer,
            fit_name(self.name, fold),
        )
        return model, curves

    def score(self, model: NetworkClassifier, rows: NDArray[np.intp]) -> EncoderOutput:
        """Return features and probabilities of the rows."""
        x = self.frozen.plain[rows]
        return EncoderOutput(x.numpy(), model.probs(x))
