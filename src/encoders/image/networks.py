"""Image networks: a backbone from timm, or a plain one, under one head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from src.core.errors import UserError
from src.core.files import read_json
from src.core.schema import KernelImage, TrainedImage
from src.encoders.common.heads import network_head


class PlainCNN(nn.Sequential):
    """Four blocks of convolution, normalisation and pooling: [B, 3, H, W] to [B, 256]."""

    num_features = 256

    def __init__(self) -> None:
        blocks: list[nn.Module] = []
        channels = 3
        for width in (32, 64, 128, 256):
            blocks += [
                nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
            ]
            channels = width
        super().__init__(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class ImageNetwork(nn.Module):
    """Photos to features to logits; resizing and normalising are part of the network.

    Args:
        settings: `pixels` is the side of the photos that the backbone gets.
        source: content of the weights' source.json: the network, and the mean and std of its
            photos, RGB between 0 and 1.
        weights: a file with weights of the backbone; None for random ones.

    Raises:
        UserError: timm has no such network, or it reads photos of another size only, or has fewer
            blocks than the settings ask for.
    """

    def __init__(
        self,
        settings: TrainedImage | KernelImage,
        source: dict[str, Any],
        num_classes: int,
        weights: Path | None = None,
    ) -> None:
        super().__init__()
        self.backbone = _backbone(source["network"])
        if weights:
            from safetensors.torch import load_file

            self.backbone.load_state_dict(load_file(weights))
        self.pixels = settings.pixels
        _set_size(self.backbone, self.pixels)
        self.backbone.to(memory_format=torch.channels_last)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(source["mean"]).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(source["std"]).view(1, 3, 1, 1) * 255)
        # Some of timm's networks have another layer between their last map and their classifier.
        width = getattr(self.backbone, "head_hidden_size", self.backbone.num_features)
        self.blocks, self.mirrored = 0, False
        if isinstance(settings, KernelImage):
            self.blocks, self.mirrored = settings.blocks, settings.mirrored
            width += sum(_last_widths(self.backbone, self.blocks))
        self.head = network_head(width, num_classes, settings)

    def features(self, photos: Tensor) -> Tensor:
        """Turn uint8 photos [B, S, S, 3] into features [B, D], those of blocks last."""
        x = photos.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
        if x.shape[-1] != self.pixels:
            size = (self.pixels, self.pixels)
            x = nn.functional.interpolate(x, size=size, mode="bilinear", antialias=True)
        x = (x - self.mean) / self.std
        found = self._features(x)
        return (found + self._features(x.flip(-1))) / 2 if self.mirrored else found

    def _features(self, x: Tensor) -> Tensor:
        if not self.blocks:
            features: Tensor = self.backbone(x)
            return features
        last, maps = self.backbone.forward_intermediates(x, indices=self.blocks)
        averages = [found.mean((2, 3)) for found in maps]
        return torch.cat([self.backbone.forward_head(last), *averages], 1)

    def forward(self, photos: Tensor) -> Tensor:
        """Turn uint8 photos [B, S, S, 3] into logits [B, C]."""
        logits: Tensor = self.head(self.features(photos))
        return logits


def start_image_network(
    settings: TrainedImage | KernelImage, weights: Path, num_classes: int
) -> ImageNetwork:
    """Return a network to be fitted, with the weights in the folder of the weights stage.

    Raises:
        UserError: as `ImageNetwork`.
    """
    stored = weights / "model.safetensors"
    source = read_json(weights / "source.json")
    return ImageNetwork(settings, source, num_classes, stored if stored.exists() else None)


def _backbone(network: str) -> Any:
    if network == "plain_cnn":
        return PlainCNN()
    import timm

    try:
        return timm.create_model(network, num_classes=0)
    except RuntimeError as error:
        raise UserError(
            f"network is {network!r}; expected plain_cnn or a name that timm {timm.__version__} "
            "knows: set it in params.yaml"
        ) from error


def _last_widths(backbone: Any, blocks: int) -> list[int]:
    """Return the number of channels of each of the last blocks."""
    widths = [info["num_chs"] for info in getattr(backbone, "feature_info", [])]
    if blocks > len(widths):
        raise UserError(
            f"blocks is {blocks}; expected at most {len(widths)}, as many as this network has: "
            "set it in params.yaml"
        )
    return widths[len(widths) - blocks :]


def _set_size(backbone: Any, pixels: int) -> None:
    """Have a transformer read photos of another size than it was made for."""
    config = getattr(backbone, "pretrained_cfg", {})
    if not config.get("fixed_input_size") or config["input_size"][1:] == (pixels, pixels):
        return
    if not hasattr(backbone, "set_input_size"):
        raise UserError(
            f"pixels is {pixels}; expected {config['input_size'][-1]}, the only size that "
            f"{config['architecture']} reads: set it in params.yaml"
        )
    # Resamples what it has learned about places.
    backbone.set_input_size(img_size=(pixels, pixels))
