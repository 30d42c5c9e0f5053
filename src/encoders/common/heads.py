"""The heads on top of the features of an image or text network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src.core.schema import EpochSettings, KernelSettings
from src.encoders.common.fitted_head import CLIP
from src.encoders.common.kernel import KernelRidgeClassifier

# The least spread of a feature, as a share of the median feature's.
LEAST_SPREAD = 0.1


class Head(nn.Sequential):
    """Standardise, clip, drop out, project: features [B, D] to logits [B, C]."""

    def __init__(self, num_features: int, num_classes: int, dropout: float) -> None:
        super().__init__(
            # Without affine terms: only to bring the features of any network to one scale.
            nn.BatchNorm1d(num_features, affine=False),
            nn.Hardtanh(-CLIP, CLIP),
            nn.Dropout(dropout),
            nn.Linear(num_features, num_classes),
        )


class KernelHead(nn.Module):
    """Kernel ridge: standardise and clip features, scale to length 1, compare with the landmarks.

    The kernel of two listings is exp(gamma (cos - 1)), a Gaussian kernel on the unit sphere.
    Nothing is fitted by gradients: `src.encoders.common.kernel` fits the coefficients.
    """

    def __init__(
        self, num_features: int, num_classes: int, gamma: float, num_landmarks: int = 0
    ) -> None:
        super().__init__()
        self.gamma = gamma
        self.mean: Tensor
        self.std: Tensor
        self.landmarks: Tensor
        self.coef: Tensor
        self.bias: Tensor
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("std", torch.zeros(num_features))
        self.register_buffer("landmarks", torch.zeros(num_landmarks, num_features))
        self.register_buffer("coef", torch.zeros(num_landmarks, num_classes))
        self.register_buffer("bias", torch.zeros(num_classes))

    def scaled(self, x: Tensor) -> Tensor:
        """Return standardised, clipped features of length 1, [B, D]."""
        standardised = ((x - self.mean) / self.std).clamp(-CLIP, CLIP)
        return nn.functional.normalize(standardised)

    def kernel(self, x: Tensor) -> Tensor:
        """Return the kernel of features [B, D] with the landmarks, [B, M]."""
        # In place: with many listings this is a large matrix.
        return (self.scaled(x) @ self.landmarks.T).sub_(1).mul_(self.gamma).exp_()

    def forward(self, x: Tensor) -> Tensor:
        """Turn features [B, D] into logits [B, C]."""
        return self.kernel(x) @ self.coef + self.bias

    def set_landmarks(self, x: Tensor, landmarks: NDArray[np.intp]) -> NDArray[np.float64]:
        """Take the scale of features [N, D] and the landmarks at some of their rows, [M].

        Returns:
            The kernel of the features with the landmarks, [N, M], multiplied in float64: rounded to
            float32 it would not be positive definite where rows are near-copies.
        """
        spread = x.std(0)
        self.mean = x.mean(0)
        self.std = spread.clamp_min(LEAST_SPREAD * float(spread.median())) + 1e-6
        scaled = self.scaled(x)
        self.landmarks = scaled[landmarks]
        rows = scaled.double().numpy()
        # NumPy computes only half of a matrix times its own transpose.
        columns = rows if len(landmarks) == len(rows) else rows[landmarks]
        kernel = torch.from_numpy(rows @ columns.T)
        return kernel.sub_(1).mul_(self.gamma).exp_().numpy()

    def set_coefficients(self, fitted: KernelRidgeClassifier, share: float = 1.0) -> None:
        """Take the coefficients of a model whose kernel has this one with the weight `share`."""
        temperature = fitted.temperature_
        self.coef = torch.from_numpy(fitted.coef_ * share * temperature).float().contiguous()
        self.bias = torch.from_numpy(fitted.intercept_ * temperature).float()

    def resized(self, num_landmarks: int) -> KernelHead:
        """Return an empty head of the same kind for another number of landmarks."""
        return KernelHead(len(self.mean), len(self.bias), self.gamma, num_landmarks)


def network_head(
    num_features: int, num_classes: int, settings: EpochSettings | KernelSettings
) -> Head | KernelHead:
    """Return the unfitted head that a row's settings ask for."""
    if isinstance(settings, KernelSettings):
        return KernelHead(num_features, num_classes, settings.gamma)
    return Head(num_features, num_classes, settings.dropout)
