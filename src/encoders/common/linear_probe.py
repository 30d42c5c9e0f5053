"""Linear probe: a head is fitted on the frozen features of a network."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from src.core.schema import EpochSettings
from src.encoders.common.base import FrozenEncoder
from src.encoders.common.batches import OrderedBatches, TrainBatches
from src.encoders.common.encoder import FitPlan
from src.encoders.common.loading import FeatureRows, make_loader
from src.encoders.common.network_classifier import NetworkClassifier

# The val rows are only scored, so their batches may be large.
VAL_BATCH = 1024


class LinearProbe(FrozenEncoder[EpochSettings]):
    """An encoder that fits only a network's head, in epochs over frozen features."""

    stops_early = True

    def fit(self, train: NDArray[np.intp], plan: FitPlan) -> tuple[NetworkClassifier, pd.DataFrame]:
        """Fit on the train rows, until the val rows say stop or for the epochs of the plan."""
        # Imported late: Lightning takes four seconds.
        from src.encoders.common.fit import fit

        torch.manual_seed(plan.seed)
        model = self.data.start(self.classes)
        views = self.frozen.of(model.network, self.data.views)
        labels = self.labels[train]
        balanced = self.settings.imbalance == "sampler"
        batches = TrainBatches(labels, self.settings.batch, plan.seed, balanced)
        held_out = None
        if plan.val is not None:
            held_out = make_loader(
                FeatureRows(views[:1], self.labels, plan.val),
                OrderedBatches(len(plan.val), VAL_BATCH),
            )
        curves = fit(
            model.network.head,  # type: ignore[arg-type]
            make_loader(FeatureRows(views, self.labels, train), batches),
            held_out,
            labels,
            len(self.classes),
            self.settings,
            # A head is fitted in a moment: more processes would only have to be started.
            self.trainer.model_copy(update={"devices": 1, "nodes": 1}),
            plan.name,
            plan.epochs,
            plan.unfinished,
        )
        return model, curves
