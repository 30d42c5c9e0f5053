"""Any fitted image or text model by its folder, a joined one among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from src.core.files import read_json
from src.core.parallel import in_order
from src.encoders.common.encoder import EncoderOutput
from src.fusion.blocks import PARTS, block_of, joined_features
from src.fusion.fused import FusedClassifier


class Model(Protocol):
    """A model that scores N packed photos, or a table of N texts."""

    def score(self, listings: Any) -> EncoderOutput: ...


# Reads the network of a model, given its kind and folder.
LoadNetwork = Callable[[str, Path], Model]


def load_converted(kind: str, folder: Path) -> Model:
    """Read a network that a bundle keeps in a folder; raises UserError if a file is broken."""
    if kind == "image":
        from src.encoders.common.converted_model import ConvertedModel

        return ConvertedModel(folder)
    from src.encoders.text.converted import ConvertedTextModel

    return ConvertedTextModel(folder)


def load_model(kind: str, folder: Path, load_network: LoadNetwork = load_converted) -> Model:
    """Read the model in a folder of a bundle.

    Args:
        kind: image or text.
        load_network: reads another folder's networks, e.g. those that a stage has fitted.

    Raises:
        UserError: a file is broken or of another model.
    """
    if is_joined(folder):
        # Side by side: a network is compiled while the words of the other model are read.
        parts = in_order(lambda part: load_model(kind, folder / part, load_network), PARTS)
        return JoinedModel(dict(zip(PARTS, parts, strict=True)), FusedClassifier.load(folder))
    if is_tfidf(folder):
        from src.encoders.text.tfidf import TfidfClassifier

        return TfidfClassifier.load(folder)
    return load_network(kind, folder)


def is_joined(folder: Path) -> bool:
    """Return whether a model joins two others, which are in folders of its own."""
    return (folder / "parts.json").exists()


def is_tfidf(folder: Path) -> bool:
    """Return whether a model reads words alone, without a network."""
    return not read_json(folder / "model.json")["settings"]["network"]


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
