"""What a fitted network says of a batch: features, and probabilities from its head."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def features_of(
    network: nn.Module, batch: Any, device: torch.device, kind: torch.dtype | None = None
) -> Tensor:
    """Return features [B, D], float32 on the CPU, of a batch of photos or tokens.

    Args:
        network: on that device, in eval mode; `features` of it turns a batch into [B, D].
        batch: a tensor, or tensors by name.
        kind: the type to multiply in, where not the network's own.
    """
    with torch.inference_mode(), torch.autocast(device.type, kind, enabled=kind is not None):
        found: Tensor = network.features(_to(batch, device)).float().cpu()  # type: ignore[operator]
    return found


def probs_of(network: nn.Module, x: Tensor) -> NDArray[np.float32]:
    """Return class probabilities [N, C] that the network's head gives features [N, D]."""
    head: nn.Module = network.head  # type: ignore[assignment]
    with torch.inference_mode():
        probs: NDArray[np.float32] = head.cpu()(x).softmax(1).numpy()
    return probs


def _to(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    return {name: value.to(device, non_blocking=True) for name, value in batch.items()}
