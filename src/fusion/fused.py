"""One fused model for any subset of photo, text and price."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, clone
from threadpoolctl import threadpool_limits

from src.artifacts.model_files import load_sklearn, save_sklearn
from src.core.files import read_json, replacing, write_json
from src.fusion.blocks import Block
from src.fusion.choosing import (
    ORDER_KEPT,
    Choice,
    Mask,
    Probs,
    Subset,
    best_start,
    choose,
    group_folds,
    held_out_probs,
    stacked,
    widened,
)
from src.fusion.conditional_logit import ConditionalLogit

if TYPE_CHECKING:
    from sklearn.decomposition import TruncatedSVD

# The classes of this project that a saved model may hold: names, for a stack needs no other heads.
HEAD_TYPES = (
    "src.fusion.conditional_logit.ConditionalLogit",
    *(f"src.fusion.heads.{name}" for name in ("ClassWeighted", "Standardise", "Voters")),
)
# Components that heads read of a model's features, which may have thousands of columns.
_COMPONENTS = 256


@dataclass(frozen=True)
class Answer:
    """How listings with a subset of the modalities are answered.

    Attributes:
        start: the smaller subset whose answer it starts from; () where there is none.
        head: the fitted head; None: the start's answer is all.
        join: weighs the start's answer and the head's; None: one of them is all.
    """

    start: Subset
    head: Any
    join: ConditionalLogit | None


class FusedClassifier(BaseEstimator):
    """An answer for each subset of the modalities; a listing gets that for what it has.

    Where one model speaks alone, its calibrated probabilities are the answer to start from, else
    the best answer of a smaller subset. A head over all columns of the subset is mixed in, as far
    as it does better on held-out listings (`src.fusion.choosing`). Heads are fitted on all
    listings that have at least the subset, so a listing with photo, text and price is used by all
    of them. Missing modalities are never filled in.

    An estimator in scikit-learn's sense, but for its input: blocks, since an array cannot tell a
    missing modality from zeros.

    Args:
        heads: unfitted classifiers to choose from, cloned for each subset; the simplest first.
        classes: names of the classes, [C].
        folds: of the cross-validation that chooses.
        seed: of its folds.

    Attributes:
        own_: what calibrates each model alone, by modality.
        components_: the first components of each model's features, by modality, if heads read them.
        answers_: by subset, e.g. ("photo", "price").
        prior_: shares of the classes in the listings that were fitted on, [C].
        n_fitted_: listings with all modalities that were fitted on.
        held_out_: probabilities of the listings that were fitted on, in order, by heads that were
            fitted without their group, [M, C]. The choices have seen them, so their scores are
            slightly optimistic.
    """

    def __init__(
        self, heads: list[Any], classes: NDArray[np.str_], folds: int = 5, seed: int = 0
    ) -> None:
        self.heads = heads
        self.classes = classes
        self.folds = folds
        self.seed = seed

    # Over some dozen columns more threads only wait for each other; trees have some of their own.
    @threadpool_limits.wrap(limits=1)
    def fit(
        self,
        blocks: dict[str, Block],
        y: NDArray[np.int64],
        chosen: Mask,
        groups: NDArray[Any] | None = None,
    ) -> FusedClassifier:
        """Choose and fit the answer of each subset that has listings of at least two classes.

        Args:
            blocks: the modalities of all N listings, by name.
            y: indices into `classes`, [N].
            chosen: the listings to fit on, [N]. A subset's head leaves out those that an encoder
                behind the subset's blocks has seen.
            groups: near-duplicates share one, [N]; by default each listing is alone.
        """
        groups = np.arange(len(y)) if groups is None else groups
        self.prior_ = np.bincount(y[chosen], minlength=len(self.classes)) / chosen.sum()
        self.components_ = {
            name: _components(block.features[chosen & block.present & block.unseen], self.seed)
            for name, block in blocks.items()
            if block.features is not None
        }
        read = self._read(blocks)
        self.own_: dict[str, Any] = {}
        self.answers_: dict[Subset, Answer] = {}
        fold = group_folds(y, groups, chosen, self.folds, self.seed)
        # Of each subset so far: the listings to learn from, and the answers to them held out.
        rows_of: dict[Subset, Mask] = {}
        held_out: dict[Subset, Probs] = {}
        for subset in _subsets(list(blocks)):
            block = blocks[subset[0]]
            rows = chosen & np.logical_and.reduce(
                [blocks[name].present & blocks[name].unseen for name in subset]
            )
            # The largest subset comes last.
            self.n_fitted_ = int(rows.sum())
            smaller = {s: of_it for s, of_it in rows_of.items() if set(s) < set(subset)}
            start = best_start(smaller, held_out, y, rows) if smaller else ()
            if len(np.unique(y[rows])) < 2:
                if start:
                    self.answers_[subset] = Answer(start, None, None)
                continue
            x = _joined(read, subset)
            if start:
                # A head that has not learned all classes would deny the others.
                complete = set(y[rows]) >= set(y[rows_of[start]])
                heads = self.heads if complete else []
                # Hundreds of columns leave a head more room to follow chance.
                evidence = 3.0 if self.components_.keys() & set(subset) else 1.0
                choice = choose(heads, x, y, rows, fold, held_out[start], evidence)
            elif block.logs is not None:
                # A head over the features of one model alone did worse on real ads.
                own = ConditionalLogit(len(self.classes), penalty=ORDER_KEPT)
                said = softmax(block.logs, axis=1)
                before = held_out_probs(own, block.logs, y, rows, fold, said)
                self.own_[subset[0]] = own.fit(block.logs[rows], y[rows])
                choice = Choice(None, None, before)
            else:
                # The price alone: what it says is more than nothing.
                before = np.tile(self.prior_, (len(y), 1))
                answers = held_out_probs(self.heads[0], x, y, rows, fold, before)
                choice = Choice(self.heads[0], None, answers)
            head = None if choice.head is None else clone(choice.head).fit(x[rows], y[rows])
            self.answers_[subset] = Answer(start, head, choice.join)
            rows_of[subset], held_out[subset] = rows, choice.held_out
        self.held_out_ = np.tile(self.prior_, (len(y), 1))
        # The larger subsets come last.
        for subset, rows in rows_of.items():
            self.held_out_[rows] = held_out[subset][rows]
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
        blocks = self._read(blocks)
        for subset, listings in self.answering(blocks, hidden):
            probs[listings] = self._answers(subset, blocks, listings)
        return probs

    def answering(
        self, blocks: dict[str, Block], hidden: frozenset[str] = frozenset()
    ) -> Iterator[tuple[Subset, Mask]]:
        """Yield the subsets that answers are based on, with the mask of their listings, [N].

        A listing is answered by the largest subset that it has, or by the smaller one where that
        starts if no head of its own does better. Listings for which there is none get the prior,
        and are in no mask.
        """
        done = np.zeros(len(next(iter(blocks.values())).present), bool)
        for subset in sorted(self.answers_, key=len, reverse=True):
            if hidden & set(subset):
                continue
            listings = ~done & np.logical_and.reduce([blocks[name].present for name in subset])
            done |= listings
            while self.answers_[subset].head is None and self.answers_[subset].start:
                subset = self.answers_[subset].start
            if listings.any():
                yield subset, listings

    def _read(self, blocks: dict[str, Block]) -> dict[str, Block]:
        """Return the blocks with components of the features among the columns."""
        read = dict(blocks)
        for name, components in self.components_.items():
            features, columns = blocks[name].features, blocks[name].columns
            # Without listings, as without a test split, there is nothing to turn.
            if features is not None and len(features):
                # Heads bring small components to the spread of large ones: rounding would show.
                shown = features.astype(np.float64)
                if components is not None:
                    shown = components.transform(shown)
                shown = shown.astype(np.float32)
                read[name] = replace(blocks[name], columns=np.concatenate([shown, columns], axis=1))
        return read

    def _answers(self, subset: Subset, blocks: dict[str, Block], listings: Mask) -> Probs:
        answer = self.answers_[subset]
        logs = blocks[subset[0]].logs
        if answer.start:
            before = self._answers(answer.start, blocks, listings)
        elif logs is not None:
            before = self.own_[subset[0]].predict_proba(logs[listings])
        else:
            before = np.tile(self.prior_, (int(listings.sum()), 1))
        if answer.head is None:
            return before
        answers = widened(answer.head, _joined(blocks, subset)[listings], before)
        return (
            answers if answer.join is None else answer.join.predict_proba(stacked(before, answers))
        )

    def save(self, folder: Path) -> None:
        """Write the fitted model: model.npz with the heads, model.json with the rest."""
        with replacing(folder) as temporary:
            temporary.mkdir()
            named = {"+".join(subset): answer for subset, answer in self.answers_.items()}
            fitted = {
                "own": self.own_,
                "components": self.components_,
                "heads": {name: a.head for name, a in named.items() if a.head is not None},
                "joins": {name: a.join for name, a in named.items() if a.join is not None},
            }
            save_sklearn(fitted, temporary / "model.npz")
            content = {
                "classes": self.classes.tolist(),
                "prior": self.prior_.tolist(),
                "n_fitted": self.n_fitted_,
                "starts": {name: "+".join(answer.start) for name, answer in named.items()},
            }
            write_json(temporary / "model.json", content)

    @classmethod
    def load(cls, folder: Path) -> FusedClassifier:
        """Read a fitted model that `save` wrote, ready to predict, not to be fitted again.

        Raises:
            UserError: the file of the heads is broken or holds types that are not trusted.
        """
        content = read_json(folder / "model.json")
        model = cls(heads=[], classes=np.array(content["classes"]))
        model.prior_, model.n_fitted_ = np.array(content["prior"]), content["n_fitted"]
        fitted = load_sklearn(folder / "model.npz", HEAD_TYPES)
        model.own_, model.components_ = fitted["own"], fitted["components"]
        heads, joins = fitted["heads"], fitted["joins"]
        model.answers_ = {
            _subset(name): Answer(_subset(start), heads.get(name), joins.get(name))
            for name, start in content["starts"].items()
        }
        return model


def _components(features: NDArray[np.float32], seed: int) -> TruncatedSVD | None:
    """Return what turns features [N, F] into their first components; None: they stay as they are.

    As latent semantic analysis does, without centring: a listing without the modality stays 0.
    """
    # Here, and not above, since what only fits need would make answers wait.
    from sklearn.decomposition import TruncatedSVD

    count = min(_COMPONENTS, *features.shape)
    if count < 2:
        return None
    return TruncatedSVD(count, random_state=seed).fit(features)


def _subset(name: str) -> Subset:
    return tuple(name.split("+")) if name else ()


def _subsets(names: list[str]) -> list[Subset]:
    return [s for size in range(1, len(names) + 1) for s in combinations(names, size)]


def _joined(blocks: dict[str, Block], subset: Subset) -> NDArray[np.float32]:
    columns = [blocks[name].columns for name in subset]
    return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)
