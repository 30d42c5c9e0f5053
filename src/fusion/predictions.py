"""The predictions of a fused row for the listings that it is evaluated on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.core.files import write_npz


@dataclass(frozen=True)
class Predictions:
    """Class probabilities from all that a listing has, and from less.

    Attributes:
        ids: ids of the listings, [N].
        classes: names of the classes, [C].
        probs: probabilities from all modalities, [N, C].
        without: probabilities without some modalities, [N, C] each: `photo_only` without text and
            price, `text_only` without photo and price, `no_price` without the price.
        seen: whether an encoder behind the row was fitted on the listing or a near-duplicate, [N];
            always false in an honest row.
        val_ids: the val listings, [V]; none of the leaky row.
        val_probs: their probabilities by heads that were fitted without their group, [V, C].
        n_fitted: listings with all modalities that heads learned from, in round 0.
        repeats: `probs` of the other repeats, [R - 1, N, C].
        added: what photo, text and price add to the log-odds of the likeliest class, [N, 3]; 0 for
            what a listing lacks.
    """

    ids: NDArray[np.str_]
    classes: NDArray[np.str_]
    probs: NDArray[np.float32]
    without: dict[str, NDArray[np.float32]]
    seen: NDArray[np.bool_]
    val_ids: NDArray[np.str_]
    val_probs: NDArray[np.float32]
    n_fitted: int
    repeats: NDArray[np.float32]
    added: NDArray[np.float32]

    @classmethod
    def joined(cls, rounds: list[Predictions]) -> Predictions:
        """Join the predictions of all rounds of cross-validation, which have the same classes."""
        first = rounds[0]
        return cls(
            ids=np.concatenate([one.ids for one in rounds]),
            classes=first.classes,
            probs=np.concatenate([one.probs for one in rounds]),
            without={
                name: np.concatenate([one.without[name] for one in rounds])
                for name in first.without
            },
            seen=np.concatenate([one.seen for one in rounds]),
            val_ids=np.concatenate([one.val_ids for one in rounds]),
            val_probs=np.concatenate([one.val_probs for one in rounds]),
            n_fitted=first.n_fitted,
            repeats=np.concatenate([one.repeats for one in rounds], axis=1),
            added=np.concatenate([one.added for one in rounds]),
        )

    def save(self, path: Path) -> None:
        """Write an .npz file without pickle; equal content gives equal bytes."""
        without = {f"without_{name}": probs for name, probs in self.without.items()}
        arrays = {name: value for name, value in vars(self).items() if name != "without"}
        write_npz(path, arrays | without)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        names = [name for name in arrays if name.startswith("without_")]
        without = {name.removeprefix("without_"): arrays.pop(name) for name in names}
        return cls(without=without, n_fitted=int(arrays.pop("n_fitted")), **arrays)
