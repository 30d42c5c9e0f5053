"""A fitted image network: saved, loaded, and asked about new photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter

from src.core.files import read_json
from src.core.schema import ImageModel, KernelImage, TrainedImage
from src.encoders.common.converted import copy_converted
from src.encoders.common.converted_model import BATCH
from src.encoders.common.encoder import EncoderOutput
from src.encoders.common.network_classifier import NetworkClassifier, load_network
from src.encoders.image.networks import ImageNetwork


class ImageClassifier(NetworkClassifier):
    """An image network with its head, classes and settings.

    Args:
        source: content of the weights' source.json: network, mean and std.
        converted: the folder with the network as OpenVINO reads it; None where it is not converted.
    """

    def __init__(
        self,
        network: ImageNetwork,
        classes: Sequence[str],
        settings: TrainedImage | KernelImage,
        source: dict[str, Any],
        converted: Path | None = None,
    ) -> None:
        super().__init__(network, classes)
        self.settings, self.source, self.converted = settings, source, converted

    @classmethod
    def load(cls, folder: Path) -> ImageClassifier:
        """Read what `save` wrote.

        Raises:
            UserError: the weights are broken or of another network.
        """
        about = read_json(folder / "model.json")
        settings = TypeAdapter(ImageModel).validate_python(about["settings"])
        network = ImageNetwork(settings, about["source"], len(about["classes"]))
        load_network(network, folder / "model.safetensors")
        return cls(network, about["classes"], settings, about["source"])

    def about(self) -> dict[str, Any]:
        """Return what is needed to build the network again, next to its weights."""
        return {"settings": self.settings.model_dump(), "source": self.source}

    def save(self, folder: Path) -> None:
        """Write model.json and model.safetensors, and the converted network if there is one."""
        super().save(folder)
        if self.converted:
            copy_converted(self.converted, folder)

    def score(self, photos: NDArray[np.uint8]) -> EncoderOutput:
        """Score RGB photos, packed as the training photos were, [N, S, S, 3]."""
        return self.score_batches(
            torch.from_numpy(photos[at : at + BATCH]) for at in range(0, len(photos), BATCH)
        )
