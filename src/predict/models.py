"""Any fitted image or text model by its folder, a joined one among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from src.encoders.common.encoder import EncoderOutput
from src.encoders.text.model import load_text_model
from src.fusion.blocks import PARTS, block_of, joined_features
from src.fusion.fused import FusedClassifier


class Model(Protocol):
    """A model that scores N packed photos, or a table of N texts."""

    def score(self, listings: Any) -> EncoderOutput: ...


def load_model(kind: str, folder: Path) -> Model:
    """Read the model that a stage or a bundle keeps in a folder.

    Args:
        kind: image or text.

    Raises:
        UserError: a file is broken or of another model.
    """
    if (folder / "parts.json").exists():
        parts = {part: load_model(kind, folder / part) for part in PARTS}
        return JoinedModel(parts, FusedClassifier.load(folder))
    if kind == "text":
        return load_text_model(folder)
    # Imported late, with PyTorch.
    from src.encoders.image.model import ImageClassifier

    return ImageClassifier.load(folder)


class JoinedModel:
    """Two models that score the same listings, and the classifier that joins them.

    Args:
        parts: the models, by PARTS.
        joint: reads a block of each.
    """

    def __init__(self, parts: dict[str, Model], joint: FusedClassifier) -> None:
        self.parts, self.joint = parts, joint

    def score(self, listings: Any) -> EncoderOutput:
        """Score N listings; known are those of which a part knows anything."""
        found = {name: part.score(listings) for name, part in self.parts.items()}
        n = len(listings)
        unseen, rows, blocks = np.ones(n, bool), {}, {}
        for name, output in found.items():
            rows[name] = np.flatnonzero(output.known)
            x, probs, _ = output.only_known()
            blocks[name] = block_of(n, rows[name], x, probs, "probs", unseen)
        features = [found[name].only_known().features for name in PARTS]
        return EncoderOutput(
            joined_features(n, features, [rows[name] for name in PARTS]),
            self.joint.predict_proba(blocks),
            np.logical_or.reduce([output.known for output in found.values()]),
        )
