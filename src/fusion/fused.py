"""One fused model for any subset of photo, text and price."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from src.artifacts.model_files import load_sklearn, save_sklearn
from src.core.files import read_json, replacing, write_json
from src.fusion.blocks import Block
from src.fusion.heads import HEAD_TYPES


class FusedClassifier(BaseEstimator):
    """A head for each subset of the modalities; a listing goes to the head for what it has.

    The head of a subset is fitted on all listings that have at least that subset, so a listing with
    photo, text and price is used by all of them. Missing modalities are never filled in.

    An estimator in scikit-learn's sense, but for its input: blocks, since an array cannot tell a
    missing modality from zeros.

    Args:
        head: an unfitted classifier, cloned for each subset.
        classes: names of the classes, [C].
        single_model_head: used in place of `head` where only one model has an output; None: `head`.

    Attributes:
        heads_: the fitted heads by subset, e.g. ("photo", "price").
        prior_: shares of the classes in the listings that were fitted on, [C].
    """

    def __init__(self, head: Any, classes: NDArray[np.str_], single_model_head: Any = None) -> None:
        self.head = head
        self.classes = classes
        self.single_model_head = single_model_head

    def fit(
        self, blocks: dict[str, Block], y: NDArray[np.int64], chosen: NDArray[np.bool_]
    ) -> FusedClassifier:
        """Fit a head for each subset that has listings of at least two classes.

        Args:
            blocks: the modalities of all N listings, by name.
            y: indices into `classes`, [N].
            chosen: the listings to fit on, [N]. A subset's head leaves out those that an encoder
                behind the subset's blocks has seen.
        """
        self.prior_ = np.bincount(y[chosen], minlength=len(self.classes)) / chosen.sum()
        self.heads_: dict[tuple[str, ...], Any] = {}
        for subset in _subsets(list(blocks)):
            usable = chosen.copy()
            for name in subset:
                usable &= blocks[name].present & blocks[name].unseen
            if len(np.unique(y[usable])) < 2:
                continue
            single_model = subset in (("photo",), ("text",))
            head = self.single_model_head if single_model else None
            head = clone(self.head if head is None else head)
            self.heads_[subset] = head.fit(_joined(blocks, subset, usable), y[usable])
        return self

    def predict_proba(
        self, blocks: dict[str, Block], hidden: frozenset[str] = frozenset()
    ) -> NDArray[np.float32]:
        """Return class probabilities of all listings, [N, C].

        Args:
            hidden: modalities to ignore, as if every listing lacked them.
        """
        n = len(next(iter(blocks.values())).present)
        probs = np.tile(self.prior_, (n, 1)).astype(np.float32)
        for subset, listings in self.answering(blocks, hidden):
            head = self.heads_[subset]
            answers = np.zeros((int(listings.sum()), len(self.classes)), np.float32)
            answers[:, head.classes_] = head.predict_proba(_joined(blocks, subset, listings))
            probs[listings] = answers
        return probs

    def answering(
        self, blocks: dict[str, Block], hidden: frozenset[str] = frozenset()
    ) -> Iterator[tuple[tuple[str, ...], NDArray[np.bool_]]]:
        """Yield each subset whose head answers, with the mask of its listings, [N].

        A listing goes to the largest subset that it has and that has a head. Listings for which
        there is none get the prior, and are in no mask.
        """
        done = np.zeros(len(next(iter(blocks.values())).present), bool)
        for subset in sorted(self.heads_, key=len, reverse=True):
            if hidden & set(subset):
                continue
            listings = ~done & np.logical_and.reduce([blocks[name].present for name in subset])
            if listings.any():
                yield subset, listings
            done |= listings

    def save(self, folder: Path) -> None:
        """Write the fitted model: model.skops with the heads, model.json with the rest."""
        with replacing(folder) as temporary:
            temporary.mkdir()
            heads = {"+".join(subset): head for subset, head in self.heads_.items()}
            save_sklearn(heads, temporary / "model.skops")
            content = {"classes": self.classes.tolist(), "prior": self.prior_.tolist()}
            write_json(temporary / "model.json", content)

    @classmethod
    def load(cls, folder: Path) -> FusedClassifier:
        """Read a fitted model that `save` wrote, ready to predict, not to be fitted again.

        Raises:
            UserError: the file of the heads is broken or holds types that are not trusted.
        """
        content = read_json(folder / "model.json")
        model = cls(head=None, classes=np.array(content["classes"]))
        model.prior_ = np.array(content["prior"])
        heads = load_sklearn(folder / "model.skops", HEAD_TYPES)
        model.heads_ = {tuple(subset.split("+")): head for subset, head in heads.items()}
        return model


def _subsets(names: list[str]) -> list[tuple[str, ...]]:
    return [s for size in range(1, len(names) + 1) for s in combinations(names, size)]


def _joined(
    blocks: dict[str, Block], subset: tuple[str, ...], listings: NDArray[np.bool_]
) -> NDArray[np.float32]:
    return np.concatenate([blocks[name].columns[listings] for name in subset], axis=1)
