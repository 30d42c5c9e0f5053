"""Linear probe: a head is fitted on the frozen features of a network."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from src.core.schema import EpochSettings
from src.encoders.common.base import FrozenEncoder
from src.encoders.common.batches import OrderedBatches, TrainBatches
from src.encoders.common.fine_tune import fit_name
from src.encoders.common.loading import FeatureRows, make_loader
from src.encoders.common.network_classifier import NetworkClassifier

# The val rows are only scored, so their batches may be large.
VAL_BATCH = 1024


class LinearProbe(FrozenEncoder[EpochSettings]):
    """An encoder that fits only a network's head, in epochs over frozen features."""

    stops_early = True

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
            # A head is fitted in a moment: more processes would only have to be started.
            self.trainer.model_copy(update={"devices": 1, "nodes": 1}),
            fit_name(self.name, fold),
        )
        return model, curves
