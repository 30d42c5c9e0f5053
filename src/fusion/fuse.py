"""Fusing the outputs of an image model and a text model with the price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray

from src.artifacts.outputs import RowOutput
from src.core.errors import UserError
from src.core.listings import labels_of
from src.core.rounds import cv_rounds
from src.core.schema import FusedModel
from src.core.wording import count_of
from src.fusion.blocks import Block, model_block, price_block, with_out_of_fold
from src.fusion.fused import FusedClassifier
from src.fusion.heads import make_heads
from src.fusion.meta import with_meta
from src.fusion.predictions import Predictions
from src.fusion.shapley import contributions, of_class

# The modalities hidden for each of the scores that show what a fused row does with less.
_HIDDEN = {
    "photo_only": frozenset({"text", "price"}),
    "text_only": frozenset({"photo", "price"}),
    "no_price": frozenset({"price"}),
}


@dataclass(frozen=True)
class Fused:
    """A fitted model and its predictions for the test split."""

    model: FusedClassifier
    predictions: Predictions


def fuse_rounds(
    table: pd.DataFrame,
    image: Path,
    text: Path,
    settings: FusedModel,
    seed: int,
    repeats: int = 1,
    workers: int | None = None,
) -> Fused:
    """Call `fuse` in each round of cross-validation; without folds there is one round.

    Args:
        table: the prepared listings.
        image, text: folders with the outputs of the two chosen models.
        settings: the row's entry in `fusion`.
        repeats: how often; repeat r reads those of the models and takes the seed `seed` + r.
        workers: processes that the rounds are divided among; None: one per core. The results do not
            depend on it.

    Returns:
        The model of round 0, and the predictions of all rounds.

    Raises:
        LeakError, UserError: as `fuse` does.
    """

    def fuse_round(cv_round: int, split: pd.Series) -> tuple[FusedClassifier | None, Predictions]:
        now = table.assign(split=split)
        fused = []
        for repeat in range(repeats):
            outputs = [RowOutput.load(folder, cv_round, repeat) for folder in (image, text)]
            fused.append(fuse(now, outputs[0], outputs[1], settings, seed + repeat))
        first, *others = (one.predictions for one in fused)
        shape = (len(others), *first.probs.shape)
        repeated = np.array([one.probs for one in others], np.float32).reshape(shape)
        # Other models are large, and only one is needed.
        model = fused[0].model if cv_round == 0 else None
        return model, replace(first, repeats=repeated)

    splits = list(cv_rounds(table))
    workers = min(workers or effective_n_jobs(-1), len(splits))
    rounds = Parallel(workers)(delayed(fuse_round)(*one) for one in enumerate(splits))
    models, predictions = zip(*rounds, strict=True)
    return Fused(models[0], Predictions.joined(list(predictions)))


def fuse(
    table: pd.DataFrame, image: RowOutput, text: RowOutput, settings: FusedModel, seed: int
) -> Fused:
    """Fit heads on the train and val listings that no encoder saw; predict the test split.

    Args:
        table: the prepared listings.
        image, text: the outputs of the two chosen models.
        settings: the row's entry in `fusion`.

    Raises:
        LeakError: an encoder was fitted on a test listing or a near-duplicate of one.
        UserError: the encoders have seen so many listings that too few are left to fit on.
    """
    classes, y = labels_of(table)
    ids = table["id"].to_numpy(dtype=str)
    test, val = ((table["split"] == name).to_numpy() for name in ("test", "val"))
    groups = table.set_index("id")["group"]
    blocks = {}
    for name, output in (("photo", image), ("text", text)):
        tested = output.full.subset(np.isin(output.full.ids, ids[test]))
        tested.require_unseen(groups, f"test split, {name}")
        blocks[name] = model_block(table, with_out_of_fold(output), settings.inputs)
    require_something_unseen(blocks, y, ~test)
    if settings.meta_features:
        blocks["text"] = with_meta(blocks["text"], table)
    if settings.price:
        blocks["price"] = price_block(table)
    heads = make_heads(settings.head, settings.settings, settings.grid, len(classes), seed)
    model = FusedClassifier(heads, classes, seed=seed)
    model.fit(blocks, y, ~test, groups.to_numpy(dtype=object))
    probs = model.predict_proba(blocks)[test]
    added = contributions(model, {name: block.only(test) for name, block in blocks.items()})
    predictions = Predictions(
        ids=ids[test],
        classes=classes,
        probs=probs,
        without={
            name: model.predict_proba(blocks, hidden)[test] for name, hidden in _HIDDEN.items()
        },
        seen=np.zeros(int(test.sum()), bool),
        val_ids=ids[val],
        val_probs=model.held_out_[val].astype(np.float32),
        n_fitted=model.n_fitted_,
        repeats=np.empty((0, int(test.sum()), len(classes)), np.float32),
        added=of_class(added, probs.argmax(1)).astype(np.float32),
    )
    return Fused(model, predictions)


def require_something_unseen(
    blocks: dict[str, Block], y: NDArray[np.int64], chosen: NDArray[np.bool_]
) -> None:
    """Check that encoders have left listings of two classes to learn from, of one and of both.

    Raises:
        UserError: they have seen (nearly) all that could be learned from.
    """
    for names in (("photo",), ("text",), ("photo", "text")):
        there = chosen & np.logical_and.reduce([blocks[name].present for name in names])
        unseen = there & np.logical_and.reduce([blocks[name].unseen for name in names])
        if len(np.unique(y[there])) > 1 and len(np.unique(y[unseen])) < 2:
            raise UserError(
                f"{' and '.join(names)}: of {count_of(int(there.sum()), 'listing')} of train and "
                f"val, {int(unseen.sum())} unseen by the encoders; expected some of at least two "
                "categories to fit a head on: enlarge prepare.parts.val, or set `folds` of the "
                "models that have it"
            )
