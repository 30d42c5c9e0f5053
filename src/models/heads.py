"""The classifying head on top of an encoder of any modality."""

from __future__ import annotations

from torch import nn


class Head(nn.Sequential):
    """Standardise, drop out, project: features [B, D] to logits [B, C]."""

    def __init__(self, num_features: int, num_classes: int, dropout: float) -> None:
        super().__init__(
            # Without affine terms: only to bring features of any network to one scale.
            nn.BatchNorm1d(num_features, affine=False),
            nn.Dropout(dropout),
            nn.Linear(num_features, num_classes),
        )
