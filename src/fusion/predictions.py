"""What a fused row says of the listings that it is judged on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.core.files import write_npz


@dataclass(frozen=True)
class Predictions:
    """Class probabilities, whole and with inputs hidden.

    Attributes:
        ids: listings, [N].
        classes: names of the classes, [C].
        probs: probabilities from all that a listing has, [N, C].
        without: probabilities with modalities hidden, [N, C] each, by what stays: photo_only,
            text_only, no_price.
        seen: which listings an encoder behind the row was fitted on, [N]; all false but for the
            leaky row.
    """

    ids: NDArray[np.str_]
    classes: NDArray[np.str_]
    probs: NDArray[np.float32]
    without: dict[str, NDArray[np.float32]]
    seen: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: list[Predictions]) -> Predictions:
        """Those of several splits as one; the classes are the same in all."""
        first = parts[0]
        return cls(
            ids=np.concatenate([part.ids for part in parts]),
            classes=first.classes,
            probs=np.concatenate([part.probs for part in parts]),
            without={
                name: np.concatenate([part.without[name] for part in parts])
                for name in first.without
            },
            seen=np.concatenate([part.seen for part in parts]),
        )

    def save(self, path: Path) -> None:
        """Write an .npz without pickle; equal content gives equal bytes."""
        hidden = {f"without_{name}": probs for name, probs in self.without.items()}
        arrays = {name: value for name, value in vars(self).items() if name != "without"}
        write_npz(path, arrays | hidden)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        hidden = [name for name in arrays if name.startswith("without_")]
        without = {name.removeprefix("without_"): arrays.pop(name) for name in hidden}
        return cls(without=without, **arrays)
