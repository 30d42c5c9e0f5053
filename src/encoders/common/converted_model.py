"""A converted network under its fitted head: what predictions read, without PyTorch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from src.core.files import read_json
from src.core.parallel import in_order, processors
from src.encoders.common.converted import ConvertedNetwork
from src.encoders.common.encoder import EncoderOutput
from src.encoders.common.fitted_head import FittedHead

# Listings in one batch of a prediction, which one thread computes: more are slower, for they fit
# worse into its cache, and take more memory.
BATCH = 8


class ConvertedModel:
    """A fitted network of photos; `src.encoders.text.converted` has that of texts.

    Attributes:
        classes: names of the classes, [C].

    Raises:
        UserError: a file is broken.
    """

    def __init__(self, folder: Path) -> None:
        self.about: dict[str, Any] = read_json(folder / "model.json")
        self.classes: list[str] = self.about["classes"]
        # A batch is computed by one thread, on a machine of any size and in a worker of Ray.
        self.network = ConvertedNetwork(folder, at_once=processors())
        self.head = FittedHead.load(folder)

    def score(self, listings: Any) -> EncoderOutput:
        """Score RGB photos, packed as the training photos were, uint8 [N, S, S, 3]."""
        starts = range(0, len(listings), BATCH)
        x = self.features((listings[at : at + BATCH],) for at in starts)
        return EncoderOutput(x, self.probs(x), np.ones(len(x), bool))

    def features(self, batches: Iterable[tuple[NDArray[Any], ...]]) -> NDArray[np.float32]:
        """Return features [N, D] of what the network reads, some batches side by side."""
        return np.concatenate([*in_order(lambda batch: self.network.features(*batch), batches)])

    def probs(self, x: NDArray[np.float32], added: NDArray[Any] | float = 0.0) -> NDArray[Any]:
        """Return class probabilities [N, C] of features [N, D]; `added` goes to logits."""
        probs: NDArray[np.float32] = softmax(self.head.logits(x) + added, axis=1)
        return probs.astype(np.float32)
