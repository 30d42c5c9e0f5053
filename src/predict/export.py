"""Fitted models as a bundle keeps them: networks converted, heads as arrays, no PyTorch."""

from __future__ import annotations

import shutil
from pathlib import Path

from src.artifacts.model_files import require_known_types
from src.core.files import read_json
from src.encoders.common.converted import CONVERTED, copy_converted
from src.encoders.common.fitted_head import save_head
from src.encoders.image.convert import convert_image_network
from src.encoders.image.model import ImageClassifier
from src.encoders.text.classifier import TextNetworkClassifier
from src.encoders.text.convert import convert_text_network
from src.encoders.text.model import load_text_model
from src.fusion.blocks import PARTS
from src.fusion.fused import HEAD_TYPES
from src.predict.models import Model, is_joined, is_tfidf

# What is no part of a model that predicts, or is kept in another form.
_LEFT_OUT = shutil.ignore_patterns("*.csv", "*.safetensors", "config.json", "features.*", *PARTS)


def export_model(kind: str, checkpoint: Path, out: Path, photo_pixels: int) -> None:
    """Write the model in the folder of a checkpoint as a bundle keeps it.

    A network is converted here unless it is already, as one that training left as it was.

    Args:
        kind: image, text or fused.
        photo_pixels: side of the packed photos.

    Raises:
        UserError: a file is broken or holds types that are not known, or a network cannot be
            converted.
    """
    shutil.copytree(checkpoint, out, ignore=_LEFT_OUT)
    if (models := out / "model.npz").exists():
        require_known_types(models, HEAD_TYPES)
    if is_joined(checkpoint):
        for part in PARTS:
            export_model(kind, checkpoint / part, out / part, photo_pixels)
    elif kind != "fused" and not is_tfidf(checkpoint):
        settings = read_json(checkpoint / "model.json")["settings"]
        save_head(checkpoint / "model.safetensors", settings.get("gamma"), out)
        if (checkpoint / CONVERTED).exists():
            copy_converted(checkpoint, out)
        elif kind == "image":
            network = ImageClassifier.load(checkpoint).network
            convert_image_network(network, photo_pixels, out)
        else:
            convert_text_network(TextNetworkClassifier.load(checkpoint), out)


def load_fitted(kind: str, folder: Path) -> Model:
    """Read the network of a checkpoint with PyTorch; raises UserError if a file is broken."""
    return ImageClassifier.load(folder) if kind == "image" else load_text_model(folder)
