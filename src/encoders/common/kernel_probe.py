"""Kernel probe: kernel ridge regression on the frozen features of a network, in one step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from src.core.schema import KernelSettings
from src.encoders.common.base import FrozenEncoder
from src.encoders.common.encoder import FitPlan
from src.encoders.common.heads import KernelHead
from src.encoders.common.kernel import KernelRidgeClassifier, choose_landmarks
from src.encoders.common.network_classifier import NetworkClassifier


class KernelProbe(FrozenEncoder[KernelSettings]):
    """An encoder that fits a kernel head on frozen features in closed form."""

    stops_early = False

    def fit(self, train: NDArray[np.intp], plan: FitPlan) -> tuple[NetworkClassifier, pd.DataFrame]:
        """Fit on the train rows; without epochs there are no curves."""
        return self.fit_and_leave_out(train, plan)[0], pd.DataFrame()

    def fit_and_leave_out(
        self, train: NDArray[np.intp], plan: FitPlan
    ) -> tuple[NetworkClassifier, NDArray[np.float32]]:
        """Fit on N rows; return the model, and probabilities of each without its group, [N, C]."""
        torch.manual_seed(plan.seed)
        model = self.data.start(self.classes)
        self.frozen.of(model.network)
        fitted = self.fit_head(model, train, choose_landmarks(len(train), plan.seed))
        return model, fitted.left_out_probs().astype(np.float32)

    def fit_head(
        self,
        model: NetworkClassifier,
        train: NDArray[np.intp],
        landmarks: NDArray[np.intp],
        other: NDArray[np.float64] | None = None,
        other_share: float = 0.0,
    ) -> KernelRidgeClassifier:
        """Fit the network's head on the frozen features of N train rows.

        Args:
            landmarks: positions among the train rows, [M].
            other: another kernel of the rows with the landmarks, [N, M].
            other_share: its share of the sum of both kernels.
        """
        head = model.network.head
        assert isinstance(head, KernelHead)
        x = self.frozen.plain[train]
        kernel = head.set_landmarks(x, landmarks)
        kernel *= 1 - other_share
        if other is not None:
            kernel += other_share * other
        fitted = KernelRidgeClassifier(
            self.settings.penalty,
            class_weight="balanced" if self.settings.imbalance == "weights" else None,
            copy_K=False,
        ).fit(
            kernel,
            self.labels[train],
            landmarks,
            self.data.groups[train],
            classes=np.arange(len(self.classes)),
        )
        head.set_coefficients(fitted, 1 - other_share)
        return fitted
