"""One fused model for any subset of photo, text and price."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from src.artifacts.model_files import load_sklearn, save_sklearn
from src.core.files import read_json, replacing, write_json
from src.fusion.blocks import Block


class FusedClassifier:
    """A head for each subset of the modalities; a listing goes to the one for what it has.

    The head of a subset is fitted on every listing that has at least that subset, so a listing
    with photo, text and price teaches all of them. Nothing is ever filled in for what is missing.
    """

    def __init__(self, head: Any, num_classes: int, alone: Any = None) -> None:
        """`alone`: a head for listings that only one model speaks of, where nothing is to join."""
        self.head, self.num_classes, self.alone = head, num_classes, alone
        self.heads: dict[tuple[str, ...], Any] = {}

    def fit(
        self, blocks: dict[str, Block], y: NDArray[np.int64], rows: NDArray[np.bool_]
    ) -> FusedClassifier:
        """Fit on the marked rows.

        Args:
            blocks: the modalities' columns for all N listings, by name.
            y: classes, [N].
            rows: the listings to learn from, [N]; of these, only ones that the encoders behind
                the blocks of a subset have not seen are used for it.
        """
        self.prior = np.bincount(y[rows], minlength=self.num_classes) / rows.sum()
        for subset in _subsets(list(blocks)):
            chosen = rows.copy()
            for name in subset:
                chosen &= blocks[name].present & blocks[name].unseen
            if len(np.unique(y[chosen])) < 2:
                continue
            single = self.alone is not None and len(subset) == 1 and subset != ("price",)
            head = clone(self.alone if single else self.head)
            self.heads[subset] = head.fit(_join(blocks, subset, chosen), y[chosen])
        return self

    def predict_proba(
        self, blocks: dict[str, Block], hidden: frozenset[str] = frozenset()
    ) -> NDArray[np.float32]:
        """Return class probabilities of all listings, [N, C].

        Args:
            hidden: modalities to leave unread, as if every listing lacked them.
        """
        n = len(next(iter(blocks.values())).present)
        probs = np.tile(self.prior, (n, 1)).astype(np.float32)
        for subset, rows in self.answering(blocks, hidden):
            model = self.heads[subset]
            answered = np.zeros((int(rows.sum()), self.num_classes), np.float32)
            answered[:, model.classes_] = model.predict_proba(_join(blocks, subset, rows))
            probs[rows] = answered
        return probs

    def answering(
        self, blocks: dict[str, Block], hidden: frozenset[str] = frozenset()
    ) -> Iterator[tuple[tuple[str, ...], NDArray[np.bool_]]]:
        """Give each subset whose head answers some listings, and which, [N]; others get the prior.

        From the fullest subset down: each listing is answered by the most that it has.
        """
        done = np.zeros(len(next(iter(blocks.values())).present), bool)
        for subset in sorted(self.heads, key=len, reverse=True):
            if hidden & set(subset):
                continue
            rows = ~done & np.logical_and.reduce([blocks[name].present for name in subset])
            if rows.any():
                yield subset, rows
            done |= rows


def save_fused(model: FusedClassifier, classes: NDArray[np.str_], checkpoint: Path) -> None:
    """Write a fused model: its heads by the modalities that each of them reads."""
    with replacing(checkpoint) as beside:
        beside.mkdir()
        heads = {"+".join(subset): head for subset, head in model.heads.items()}
        save_sklearn(heads, beside / "model.skops")
        about = {"classes": classes.tolist(), "prior": model.prior.tolist()}
        write_json(beside / "model.json", about)


def load_fused(folder: Path) -> FusedClassifier:
    """Read a fused model that `save_fused` wrote."""
    about = read_json(folder / "model.json")
    model = FusedClassifier(None, len(about["classes"]))
    model.prior = np.array(about["prior"])
    model.heads = {
        tuple(name.split("+")): head for name, head in load_sklearn(folder / "model.skops").items()
    }
    return model


def _subsets(names: list[str]) -> list[tuple[str, ...]]:
    return [s for size in range(1, len(names) + 1) for s in combinations(names, size)]


def _join(
    blocks: dict[str, Block], subset: tuple[str, ...], rows: NDArray[np.bool_]
) -> NDArray[np.float32]:
    return np.concatenate([blocks[name].x[rows] for name in subset], axis=1)
