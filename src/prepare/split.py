"""Train, val and test: whole groups, the same for the same seed, or as the table gives them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.errors import UserError
from src.core.listings import SPLITS
from src.core.rounds import cv_rounds
from src.core.schema import Prepare
from src.core.wording import count_of
from src.prepare.assign import MORE_GROUPS, assign_by_date, assign_folds, assign_random

# The kind of splits that a table gives itself.
GIVEN = "given by the table"


class SplitAssignment(NamedTuple):
    """Columns of the prepared table, [N] each, and how they came about.

    `split` is missing for listings to leave out; `fold` is -1 without cross-validation; `kind` is
    random, time, folds or GIVEN.
    """

    split: pd.Series
    fold: pd.Series
    kind: str


def assign_splits(
    table: pd.DataFrame, group: pd.Series, settings: Prepare, seed: int
) -> SplitAssignment:
    """Assign a split to every listing; those of one `group` get the same one.

    `settings.split` is the method: random (stratified by category), time (the oldest listings in
    train, the newest in test) or folds (cross-validation, see `listings.cv_rounds`; `split` is
    that of round 0). The result depends on ids, groups, categories and dates alone, not on the
    order of rows.

    If the table gives splits itself they are kept, whatever the method. A group that crosses them
    raises UserError with the ids; with `settings.crossing` drop, only its listings in the latest
    split are kept, and the others have no split.

    Args:
        table: `id`, `category`, `split` (missing unless given) and, for time, `listed`.

    Raises:
        UserError: too few groups, splits given for some rows only, groups that cross given
            splits, or what the methods raise.
    """
    no_fold = pd.Series(-1, index=table.index)
    if table["split"].notna().any():
        return SplitAssignment(_given(table, group, settings), no_fold, GIVEN)
    if group.nunique() < len(SPLITS):
        raise UserError(
            f"the {len(table)} listings are {count_of(group.nunique(), 'group')} that stay "
            f"together; expected at least {len(SPLITS)}, one for each split: {MORE_GROUPS}"
        )
    if settings.split == "folds":
        fold = assign_folds(table["category"], group, settings.folds, seed)
        return SplitAssignment(cv_rounds(table.assign(fold=fold))[0], fold, "folds")
    if settings.split == "time":
        split = assign_by_date(table, group, settings.parts)
    else:
        split = assign_random(table["category"], group, settings.parts, seed)
    return SplitAssignment(split.astype("str").rename("split"), no_fold, settings.split)


def _given(table: pd.DataFrame, group: pd.Series, settings: Prepare) -> pd.Series:
    split = table["split"]
    if split.isna().any():
        raise UserError(
            f"the column split is empty for {split.isna().sum()} of {len(table)} listings, "
            f"the first of them {table['id'][split.isna()].iloc[0]}; fill it for all or for none"
        )
    missing = sorted(set(SPLITS) - set(split))
    if missing:
        raise UserError(
            f"no listing has split {' or '.join(missing)}; expected all of {', '.join(SPLITS)}"
        )
    order = split.map({name: rank for rank, name in enumerate(SPLITS)})
    latest = order.groupby(group.to_numpy()).transform("max")
    early = (order < latest).to_numpy()
    if early.any() and settings.crossing == "refuse":
        by_seller = settings.group_by == "seller"
        together = "listings of one seller" if by_seller else "near-duplicates"
        raise UserError(
            f"{together} are in different given splits, such as "
            f"{_examples(table, group, early)} ({early.sum()} in all); put each pair into one "
            "split, or set prepare.crossing to drop, which leaves out the earlier listing"
        )
    return split.mask(early)


def _examples(
    table: pd.DataFrame, group: pd.Series, early: NDArray[np.bool_], most: int = 5
) -> str:
    """Return pairs "id (train) and id (test)", one for each of the first groups that cross."""
    pairs = []
    for name in group[early].drop_duplicates().iloc[:most]:
        own = table.loc[(group == name).to_numpy()].sort_values("id")
        rank = own["split"].map(SPLITS.index)
        first, last = own.loc[rank.idxmin()], own.loc[rank.idxmax()]
        pairs.append(f"{first['id']} ({first['split']}) and {last['id']} ({last['split']})")
    return ", ".join(pairs)
