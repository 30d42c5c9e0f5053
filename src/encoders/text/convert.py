"""Fitted text networks, converted for predictions."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from src.encoders.common.convert import convert
from src.encoders.text.classifier import TextNetworkClassifier


class _Encode(nn.Module):
    """A network whose forward returns features of one text, as a converter needs it."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        found: Tensor = self.network.encode(input_ids, attention_mask)
        return found


def require_convertible(model: TextNetworkClassifier) -> None:
    """Check that a bundle can hold a network, before it is fitted; raises as `convert` does."""
    with TemporaryDirectory() as folder:
        convert_text_network(model, Path(folder))


def convert_text_network(model: TextNetworkClassifier, out: Path) -> None:
    """Write a model's network as `convert` does, for texts of any length that it can read."""
    length = min(model.settings.max_tokens, 8)
    numbers = torch.arange(2 * length).view(2, length) % model.special["vocab_size"]
    mask = torch.ones_like(numbers)
    mask[1, length // 2 :] = 0
    convert(_Encode(model.network.cpu().eval()), [numbers, mask], [[-1, -1], [-1, -1]], out)
