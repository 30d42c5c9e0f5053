"""What computes frozen features: PyTorch or OpenVINO, in float32 or bfloat16."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from src.core.errors import UserError
from src.core.schema import Trainer
from src.encoders.common.converted import ConvertedNetwork
from src.encoders.common.network_classifier import Batch, features_of

# What `trainer.features` may be.
BACKENDS = get_args(Trainer.model_fields["features"].annotation)
# Turns a batch of photos or tokens into features [B, D], float32 on the CPU.
Extract = Callable[[Batch], Tensor]
# Listings on which a backend is compared with float32; of fewer, the spread would be uncertain.
COMPARED = 256
# Less than what saving the photos again as JPEG of quality 95 changes: 0.28 for EfficientNet-Lite0,
# for which bfloat16 makes 0.08.
LARGEST_INEXACTNESS = 0.2


def make_backend(
    backend: str, network: nn.Module, converted: Path | None, device: torch.device
) -> Extract:
    """Return what computes features.

    Args:
        backend: one of BACKENDS. PyTorch takes OpenVINO's place on a GPU, and for networks that
            are not converted: texts gain nothing from it.
        network: on the device, in evaluation mode.
        converted: the folder with the converted network; None for none.
    """
    bfloat16 = backend.endswith("-bfloat16")
    if backend.startswith("openvino") and converted and device.type == "cpu":
        faster = ConvertedNetwork(converted, bfloat16)
        return lambda photos: torch.from_numpy(faster.features(photos.numpy()))  # type: ignore[union-attr]
    if bfloat16:
        return partial(features_of, folded(network), device=device, dtype=torch.bfloat16)
    return partial(features_of, network, device=device)


def require_exact(
    backend: str, extract: Extract, exact: Extract, examples: Iterable[Batch]
) -> None:
    """Compare the features of a backend that rounds with exact ones.

    Args:
        examples: batches of COMPARED listings, if there are as many.

    Raises:
        UserError: they differ by more than LARGEST_INEXACTNESS.
    """
    pairs = [(extract(batch), exact(batch)) for batch in examples]
    found = inexactness(*(torch.cat(features) for features in zip(*pairs, strict=True)))
    if not found <= LARGEST_INEXACTNESS:
        raise UserError(
            f"trainer.features is {backend}, whose features differ from float32 by {found:.2g} "
            f"of their spread; expected at most {LARGEST_INEXACTNESS}: set trainer.features to "
            f"{in_float32(backend)}"
        )


def in_float32(backend: str) -> str:
    """Return the name of the same backend without rounding."""
    return backend.removesuffix("-bfloat16")


def inexactness(found: Tensor, exact: Tensor) -> float:
    """Return how much features [N, D] differ from the exact ones, relative to their spread.

    Heads standardise features, so they are standardised here as well: the result is the root mean
    square of the differences over that of the exact features. Features that hardly vary among
    these listings are left out: how heads scale them depends on other listings.
    """
    mean, std = exact.mean(0), exact.std(0)
    varying = std > 1e-3 * std.median()
    difference = ((found - exact) / std)[:, varying]
    spread = ((exact - mean) / std)[:, varying]
    return float(difference.norm() / spread.norm())


def folded(network: nn.Module) -> nn.Module:
    """Return a copy for scoring whose convolutions hold the normalisation that follows them."""
    network = copy.deepcopy(network).eval()
    for parent in network.modules():
        for (name, layer), (after, norm) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(layer, norm))
                # timm's normalisation includes the activation.
                setattr(parent, after, getattr(norm, "act", nn.Identity()))
    return network
