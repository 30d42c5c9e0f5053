"""Ways to deal whole groups of near-duplicates: at random to parts, by date to parts, to folds."""

from __future__ import annotations

from collections import Counter
from math import ceil

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.errors import UserError
from src.core.listings import SPLITS


def at_random(
    category: pd.Series, group: pd.Series, shares: NDArray[np.float64], seed: int
) -> pd.Series:
    """Deal by category at random; gives the part of every listing, [N].

    A category that leads at least as many groups as there are parts is in every part.

    Args:
        shares: the share of train, val and test, [3].
    """
    return _deal(category, group, shares.tolist(), seed).map(dict(enumerate(SPLITS)))


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
    if len(days) < len(SPLITS):
        raise UserError(
            f"prepare.split is time, but near-duplicates put together all listings are of "
            f"{len(days)} days, and {len(SPLITS)} parts need as many; set prepare.split to random"
        )
    reached = days.to_numpy().cumsum() / len(table)
    first = int(np.abs(reached[:-2] - shares[0]).argmin())
    second = first + 1 + int(np.abs(reached[first + 1 : -1] - shares[:2].sum()).argmin())
    part = np.select(
        [latest <= days.index[first], latest <= days.index[second]], SPLITS[:2], "test"
    )
    return pd.Series(part, index=table.index)


def in_folds(category: pd.Series, group: pd.Series, folds: int, seed: int) -> pd.Series:
    """Deal to `folds` folds of about equal size and mix of categories; gives numbers from 0, [N].

    Raises:
        UserError: fewer than three folds (one is test, one val), or too few listings or groups.
    """
    if folds < len(SPLITS):
        raise UserError(
            f"prepare.folds is {folds}; one fold is test and one val, so give at least 3"
        )
    largest = int(category.value_counts().max())
    if min(group.nunique(), largest) < folds:
        raise UserError(
            f"prepare.folds is {folds}, but there are {group.nunique()} groups of near-duplicates "
            f"and at most {largest} listings of a category; set fewer folds or collect more"
        )
    return _deal(category, group, [1 / folds] * folds, seed)


def _deal(category: pd.Series, group: pd.Series, shares: list[float], seed: int) -> pd.Series:
    """Deal whole groups to parts of these shares; gives the number of each listing's part, [N].

    The largest groups go first, each to the part that lacks most listings of the group's leading,
    its most frequent category. (StratifiedGroupKFold makes parts of one size only, no better
    balanced, and takes ten times as long.)
    """
    group_of, groups = pd.factorize(group.to_numpy(dtype=object), sort=True)
    category_of, categories = pd.factorize(category.to_numpy(dtype=object), sort=True)
    held: list[dict[int, int]] = [{} for _ in groups]
    cells = np.unique(group_of * len(categories) + category_of, return_counts=True)
    for cell, count in zip(*(column.tolist() for column in cells), strict=True):
        held[cell // len(categories)][cell % len(categories)] = count
    leading = [max(own, key=own.__getitem__) for own in held]
    led, waiting = Counter(leading), Counter(leading)

    target = np.outer(np.bincount(category_of), shares).tolist()
    filled = [[0] * len(shares) for _ in categories]
    filled_in_all = [0] * len(shares)
    part_of = np.empty(len(groups), np.int64)
    sizes = np.bincount(group_of)
    order = np.random.default_rng(seed).permutation(len(groups))
    for number in order[np.argsort(-sizes[order], kind="stable")].tolist():
        main = leading[number]
        lack = [
            ceil(goal - has - 1e-9) for goal, has in zip(target[main], filled[main], strict=True)
        ]
        # Fractions are settled for the part that is behind over all categories.
        behind = [has / share for has, share in zip(filled_in_all, shares, strict=True)]
        # The last groups are kept for parts that would stay without this category.
        empty = [part for part, has in enumerate(filled[main]) if not has]
        open_parts = empty if waiting[main] <= len(empty) <= led[main] else range(len(shares))
        part = min(open_parts, key=lambda part: (-lack[part], behind[part], part))
        part_of[number] = part
        waiting[main] -= 1
        for kind, count in held[number].items():
            filled[kind][part] += count
            filled_in_all[part] += count
    return pd.Series(part_of[group_of], index=group.index)
