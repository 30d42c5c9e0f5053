"""The classifying heads on top of an encoder of any modality."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src.encoders.common.kernel import KernelFit


class Head(nn.Sequential):
    """Standardise, drop out, project: features [B, D] to logits [B, C]."""

    def __init__(self, num_features: int, num_classes: int, dropout: float) -> None:
        super().__init__(
            # Without affine terms: only to bring features of any network to one scale.
            nn.BatchNorm1d(num_features, affine=False),
            nn.Dropout(dropout),
            nn.Linear(num_features, num_classes),
        )


class KernelHead(nn.Module):
    """Kernel ridge over features: standardise, bring to unit length, compare with the landmarks.

    The kernel of two listings is exp(gamma (cos - 1)), a Gaussian one on the unit sphere. All of
    it is fitted in closed form (`src.encoders.common.kernel`), nothing by gradients.
    """

    # How many landmarks there are is known only once it is fitted.
    landmarks: Tensor
    coef: Tensor

    def __init__(self, num_features: int, num_classes: int, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma
        for name, shape in (
            ("mean", (num_features,)),
            ("std", (num_features,)),
            ("landmarks", (0, num_features)),
            ("coef", (0, num_classes)),
            ("bias", (num_classes,)),
        ):
            self.register_buffer(name, torch.zeros(shape))

    def scaled(self, x: Tensor) -> Tensor:
        """Standardised features of unit length, [B, D]."""
        return nn.functional.normalize((x - self.mean) / self.std)

    def kernel(self, x: Tensor) -> Tensor:
        """The kernel of features [B, D] with the landmarks, [B, M]."""
        # In place: of many listings this is large.
        return (self.scaled(x) @ self.landmarks.T).sub_(1).mul_(self.gamma).exp_()

    def forward(self, x: Tensor) -> Tensor:
        """Turn features [B, D] into logits [B, C]."""
        return self.kernel(x) @ self.coef + self.bias

    def place_landmarks(self, x: Tensor, landmarks: NDArray[np.intp]) -> None:
        """Take the scale of features [N, D], and some of their rows as landmarks."""
        self.mean, self.std = x.mean(0), x.std(0) + 1e-6
        self.landmarks = self.scaled(x[landmarks])

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name in ("landmarks", "coef"):
            if prefix + name in state:
                setattr(self, name, torch.empty_like(state[prefix + name]))
        if prefix + "words_coef" in state:
            self.register_buffer("words_coef", torch.empty_like(state[prefix + "words_coef"]))
        super()._load_from_state_dict(state, prefix, *rest)

    def take(self, fit: KernelFit, share: float = 1.0) -> None:
        """Take over a fit whose kernel is `share` of this one and something else."""
        scale = fit.temperature
        self.coef = torch.from_numpy(fit.coef * share * scale).float().contiguous()
        self.bias = torch.from_numpy(fit.bias * scale).float()


def network_head(num_features: int, num_classes: int, spec: dict[str, Any]) -> nn.Module:
    """Return the head that an entry of params.yaml asks for by `tune`, yet to be fitted."""
    if spec["tune"] == "kernel":
        return KernelHead(num_features, num_classes, spec["gamma"])
    return Head(num_features, num_classes, spec["dropout"])
