"""Whether a network trains faster in mixed precision on this machine."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from src.encoders.common.speed import fastest, has_bfloat16


def training_precision(
    network: nn.Module,
    example: Any,
    labels: Tensor,
    rows: int,
    device: torch.device,
    precision: str,
    what: str,
) -> str:
    """Return the precision to train in, as Lightning names it: `precision`, or what auto comes to.

    Args:
        network: batch to logits [B, C]; stays as it is.
        example: a batch of B rows.
        labels: their classes, [B].
        rows: how many rows are to be learned from, over all epochs.
        what: the network and its input's size, under which the choice is remembered.
    """
    if precision != "auto":
        return precision
    ways = ["32-true"]
    bfloat16 = torch.cuda.is_bf16_supported() if device.type == "cuda" else has_bfloat16()
    if bfloat16:
        ways.append("bf16-mixed")

    def setup(mixed: bool) -> Callable[[], None]:
        tried = copy.deepcopy(network).to(device).train()
        x = (
            example.to(device)
            if isinstance(example, Tensor)
            else {name: value.to(device) for name, value in example.items()}
        )
        y = labels.to(device)

        def step() -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
                loss = nn.functional.cross_entropy(tried(x), y)
            loss.backward()

        return step

    tries = {way: lambda way=way: setup(way != "32-true") for way in ways}
    return fastest(tries, f"training {what}", len(labels), rows)
