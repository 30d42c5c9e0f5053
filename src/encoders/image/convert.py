"""Image networks that no fit changes, converted once, beside their weights."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from src.core.schema import KernelImage, TrainedImage
from src.encoders.common.convert import convert
from src.encoders.image.networks import start_image_network


class _Features(nn.Module):
    """A network whose forward returns features, as a converter needs it."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, photos: Tensor) -> Tensor:
        found: Tensor = self.network.features(photos)
        return found


def convert_image_network(network: nn.Module, packed_pixels: int, out: Path) -> None:
    """Write an image network as `convert` does, for photos packed with that side."""
    side, noise = packed_pixels, torch.Generator().manual_seed(0)
    photos = torch.randint(0, 256, (2, side, side, 3), dtype=torch.uint8, generator=noise)
    convert(_Features(network.cpu().eval()), [photos], [[-1, side, side, 3]], out)


def convert_frozen(settings: TrainedImage | KernelImage, weights: Path, packed_pixels: int) -> None:
    """Convert the network in the folder of the weights stage, if training leaves it as it is.

    Random weights are drawn when training starts, so there is nothing to convert yet. One from the
    Hub that is fitted as a whole is converted to see whether it can be: its bundle will need it.

    Raises:
        UserError: as `convert` and `ImageNetwork`.
    """
    fitted = settings.tune == "full"
    if not (weights / "model.safetensors").exists() or (fitted and settings.weights != "hub"):
        return
    network = start_image_network(settings, weights, num_classes=2)
    with TemporaryDirectory() as aside:
        convert_image_network(network, packed_pixels, Path(aside) if fitted else weights)
