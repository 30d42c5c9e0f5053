"""Listings whose category is probably wrong, by models that did not learn from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from src.artifacts.outputs import RowOutput
from src.core.listings import labels_of
from src.evaluation.added import ADDED
from src.fusion.blocks import model_block, price_block, with_out_of_fold
from src.fusion.fused import FusedClassifier
from src.fusion.heads import make_head
from src.fusion.shapley import MODALITIES, contributions, of_class

LABEL_CHECK_FOLDS = 5
LABEL_ERROR_COLUMNS = [
    *("id", "given", "likelier", "likelier_prob", "self_confidence", "rank"),
    *ADDED.values(),
]


def find_label_errors(
    ids: NDArray[np.str_],
    given: NDArray[np.int64],
    classes: NDArray[np.str_],
    probs: NDArray[np.float32],
    added: NDArray[np.float32],
) -> pd.DataFrame:
    """Return the listings whose label confident learning takes for wrong, the worst first.

    Northcutt et al., "Confident learning: estimating uncertainty in dataset labels" (2021), as
    cleanlab implements it.

    Args:
        ids: listings, [N].
        given: their labels as classes, [N].
        classes: names of the classes, [C].
        probs: class probabilities, [N, C], by models that did not learn from the listing.
        added: what photo, text and price add to the log-odds of each class there, [N, 3, C].

    Returns:
        id, given (its category), likelier (the likeliest other category), likelier_prob,
        self_confidence (the probability of the given category), rank, from 1, and ADDED, of the
        likelier category.
    """
    # Imported late: it takes two seconds.
    from cleanlab.filter import find_label_issues

    if not len(ids):
        return pd.DataFrame(columns=LABEL_ERROR_COLUMNS)
    # cleanlab wants labels from 0 without gaps.
    occurring, codes = np.unique(given, return_inverse=True)
    if len(occurring) < 2:
        return pd.DataFrame(columns=LABEL_ERROR_COLUMNS)
    found = find_label_issues(
        codes,
        probs[:, occurring].astype(np.float64),
        filter_by="confident_learning",
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    others = probs[found].copy()
    own = np.arange(len(found)), given[found]
    others[own] = -1
    likelier = others.argmax(1)
    why = of_class(added[found], likelier)
    return pd.DataFrame(
        {
            "id": ids[found],
            "given": classes[given[found]],
            "likelier": classes[likelier],
            "likelier_prob": others.max(1),
            "self_confidence": probs[found][own],
            "rank": np.arange(1, len(found) + 1),
            **dict(zip(ADDED.values(), why.T, strict=True)),
        }
    )


def out_of_sample_probs(
    table: pd.DataFrame, outputs: dict[str, RowOutput], seed: int
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]:
    """Predict each listing by a stacked head that was fitted on other groups.

    Left out are listings that an encoder has seen: what remains is val, test and the listings of
    train for which the models have out-of-fold outputs.

    Args:
        table: the prepared listings.
        outputs: of the models that are stacked, by photo and text.

    Returns:
        The positions of these listings in the table, [M], their class probabilities, [M, C], and
        what photo, text and price add to the log-odds of each class, [M, 3, C].
    """
    classes, y = labels_of(table)
    blocks = {
        name: model_block(table, with_out_of_fold(output), "probs")
        for name, output in outputs.items()
    } | {"price": price_block(table)}
    rows = np.flatnonzero(np.logical_and.reduce([block.unseen for block in blocks.values()]))
    all_groups = table["group"].to_numpy(dtype=object)
    groups = all_groups[rows]
    probs = np.zeros((len(rows), len(classes)), np.float32)
    added = np.zeros((len(rows), len(MODALITIES), len(classes)), np.float32)
    folds = min(LABEL_CHECK_FOLDS, len(set(groups)))
    if folds < 2:
        return rows[:0], probs[:0], added[:0]
    splitter = GroupKFold(folds, shuffle=True, random_state=seed)
    for others, fold in splitter.split(rows, groups=groups):
        learned_from = np.zeros(len(table), bool)
        learned_from[rows[others]] = True
        head = make_head("stack", {}, len(classes), seed)
        # One head to choose from: two folds tell whether it does better than its start.
        model = FusedClassifier([head], classes, folds=2, seed=seed)
        model.fit(blocks, y, learned_from, all_groups)
        judged = {name: block.only(rows[fold]) for name, block in blocks.items()}
        probs[fold], added[fold] = model.predict_proba(judged), contributions(model, judged)
    return rows, probs, added
