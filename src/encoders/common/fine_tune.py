"""Fine-tuning: the whole network is fitted, its head included."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from src.core.schema import EpochSettings
from src.encoders.common.base import NetworkEncoder
from src.encoders.common.batches import TrainBatches
from src.encoders.common.encoder import EncoderOutput, FitPlan
from src.encoders.common.features import device_of, gather
from src.encoders.common.loading import ListingRows, make_loader, ordered_loader
from src.encoders.common.network_classifier import NetworkClassifier, features_of


class FineTune(NetworkEncoder[EpochSettings]):
    """An encoder that fits a whole network in epochs; scoring is in float32, as predictions are."""

    frozen_features = False
    stops_early = True

    def fit(self, train: NDArray[np.intp], plan: FitPlan) -> tuple[NetworkClassifier, pd.DataFrame]:
        """Fit on the train rows, until the val rows say stop or for the epochs of the plan."""
        # Imported late: Lightning takes four seconds, and frozen features need none of it.
        from src.encoders.common.fit import fit

        torch.manual_seed(plan.seed)
        model = self.data.start(self.classes)
        model.fitting_starts()
        lengths = self.data.lengths
        batches = TrainBatches(
            self.labels[train],
            self.settings.batch,
            plan.seed,
            balanced=self.settings.imbalance == "sampler",
            lengths=None if lengths is None else lengths[train],
        )
        rows = ListingRows(self.data, self.labels, train, plan.seed)
        held_out = None
        if plan.val is not None:
            judged = ListingRows(self.data, self.labels, plan.val)
            held_out, _ = ordered_loader(judged, self.settings.batch, self.trainer.workers)
        curves = fit(
            model.network,
            make_loader(rows, batches, self.trainer.workers),
            held_out,
            self.labels[train],
            len(self.classes),
            self.settings,
            self.trainer,
            plan.name,
            plan.epochs,
            plan.unfinished,
        )
        model.fitting_ends()
        return model, curves

    def score(self, model: NetworkClassifier, rows: NDArray[np.intp]) -> EncoderOutput:
        """Return features and probabilities of the rows."""
        device = device_of(self.trainer)
        network = model.network.to(device).eval()
        listings = ListingRows(self.data, self.labels, rows)
        loader, order = ordered_loader(listings, self.settings.batch, self.trainer.workers)
        found = (features_of(network, batch, device) for batch, _ in loader)
        x = gather(found, order, self.name)
        return EncoderOutput(x.numpy(), model.probs(x), np.ones(len(x), bool))
