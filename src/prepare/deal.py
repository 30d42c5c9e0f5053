"""Ways to deal whole groups of near-duplicates: at random to parts, by date to parts, to folds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from src.errors import UserError
from src.listings import PARTS


def at_random(
    category: pd.Series, group: pd.Series, shares: NDArray[np.float64], seed: int
) -> pd.Series:
    """Deal by category at random; gives the part of every listing, [N].

    Groups go by their most frequent category, the largest first, each to the part that lacks most
    listings of that category. A category with at least as many groups as there are parts is in
    every part. (StratifiedGroupKFold makes equal folds only.)

    Args:
        shares: the share of train, val and test, [3].
    """
    rng = np.random.default_rng(seed)
    counts = pd.crosstab(group.to_numpy(dtype=object), category.to_numpy(dtype=object))
    sizes = counts.sum(axis=1).to_numpy()
    names = counts.index.to_numpy(dtype=object)
    main = counts.to_numpy().argmax(axis=1)
    filled_in_all = np.zeros(len(PARTS))
    part_of: dict[str, str] = {}
    for code in range(counts.shape[1]):
        own = rng.permutation(np.flatnonzero(main == code))
        own = own[np.argsort(-sizes[own], kind="stable")]
        target = shares * sizes[own].sum()
        filled = np.zeros(len(PARTS))
        for left, row in zip(range(len(own), 0, -1), own, strict=True):
            open_parts = np.arange(len(PARTS))
            # The last groups are kept for parts that would stay without this category.
            if left <= (filled == 0).sum() <= len(own):
                open_parts = np.flatnonzero(filled == 0)
            # Fractions are settled for the part that is behind over all categories.
            behind = filled_in_all / shares
            lack = np.ceil(target - filled - 1e-9)
            best = min(open_parts, key=lambda part: (-lack[part], behind[part], part))
            filled[best] += sizes[row]
            filled_in_all[best] += sizes[row]
            part_of[names[row]] = PARTS[best]
    return group.map(part_of)


def by_date(table: pd.DataFrame, group: pd.Series, shares: NDArray[np.float64]) -> pd.Series:
    """Deal by date, the oldest to train, the newest to test; gives the part of every listing, [N].

    A group goes where its latest listing belongs, so nothing in train is as new as the oldest
    date of val, and nothing in val as new as that of test. By its oldest listing a repost from
    the time of test would train; by its latest, an early posting of goods that are offered again
    later is judged with them. Listings of one day are not taken apart: the cuts lie between days,
    where the shares come closest.

    Args:
        table: `id` and `listed`, dates as YYYY-MM-DD.
        shares: the share of train, val and test, [3].

    Raises:
        UserError: a listing without a date, or fewer than three days to cut between.
    """
    undated = table["listed"].isna()
    if undated.any():
        raise UserError(
            f"prepare.split is time, but {int(undated.sum())} of {len(table)} listings have no "
            f"date, the first of them {table['id'][undated].iloc[0]}; give each its date in the "
            "column listed, or set prepare.split to random"
        )
    latest = table["listed"].groupby(group.to_numpy(dtype=object)).transform("max")
    days = latest.value_counts().sort_index()
    if len(days) < len(PARTS):
        raise UserError(
            f"prepare.split is time, but near-duplicates put together all listings are of "
            f"{len(days)} days, and {len(PARTS)} parts need as many; set prepare.split to random"
        )
    reached = days.to_numpy().cumsum() / len(table)
    first = int(np.abs(reached[:-2] - shares[0]).argmin())
    second = first + 1 + int(np.abs(reached[first + 1 : -1] - shares[:2].sum()).argmin())
    part = np.select([latest <= days.index[first], latest <= days.index[second]], PARTS[:2], "test")
    return pd.Series(part, index=table.index)


def in_folds(category: pd.Series, group: pd.Series, folds: int, seed: int) -> pd.Series:
    """Deal to `folds` folds of about equal size and mix of categories; gives numbers from 0, [N].

    Raises:
        UserError: fewer than three folds (one is test, one val), or too few listings or groups.
    """
    if folds < len(PARTS):
        raise UserError(
            f"prepare.folds is {folds}; one fold is test and one val, so give at least {len(PARTS)}"
        )
    largest = int(category.value_counts().max())
    if min(group.nunique(), largest) < folds:
        raise UserError(
            f"prepare.folds is {folds}, but there are {group.nunique()} groups of near-duplicates "
            f"and at most {largest} listings of a category; set fewer folds or collect more"
        )
    classes, groups = (column.to_numpy(dtype=object) for column in (category, group))
    dealt = np.empty(len(group), np.int64)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for number, (_, test) in enumerate(splitter.split(classes, classes, groups)):
        dealt[test] = number
    return pd.Series(dealt, index=group.index)
