"""Assign whole groups of near-duplicates: at random or by date to splits, or to folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil

import numpy as np
import pandas as pd

from src.core.errors import UserError
from src.core.listings import SPLITS
from src.core.schema import Parts
from src.core.wording import count_of

# What to do where too many listings belong together.
MORE_GROUPS = (
    "collect more listings, or let fewer pass for near-duplicates: raise prepare.text_similarity "
    "or lower prepare.photo_bits; by seller there are as many groups as sellers at most"
)


def assign_random(category: pd.Series, group: pd.Series, parts: Parts, seed: int) -> pd.Series:
    """Assign at random, stratified by category; returns the split of every listing, [N].

    A category that leads at least three groups (see `_assign`) is in every split.
    """
    number = _assign(category, group, (parts.train, parts.val, parts.test), seed)
    return number.map(dict(enumerate(SPLITS)))


def assign_by_date(table: pd.DataFrame, group: pd.Series, parts: Parts) -> pd.Series:
    """Assign the oldest listings to train and the newest to test; returns the splits, [N].

    A group goes where its latest listing belongs, so nothing in train is as new as the oldest date
    of val, and nothing in val as new as that of test. Going by its oldest listing, a repost from
    the time of test would be in train. Listings of one day stay together: the cuts are between
    days, where the shares come closest.

    Args:
        table: `id` and `listed`, dates as YYYY-MM-DD.

    Raises:
        UserError: a listing without a date, or fewer than three days to cut between.
    """
    undated = table["listed"].isna()
    if undated.any():
        raise UserError(
            f"prepare.split is time, but {int(undated.sum())} of {len(table)} listings have no "
            f"date, the first of them {table['id'][undated].iloc[0]}; give each a date in the "
            "column listed, or set prepare.split to random"
        )
    latest = table["listed"].groupby(group.to_numpy(dtype=object)).transform("max")
    days = latest.value_counts().sort_index()
    if len(days) < len(SPLITS):
        raise UserError(
            f"prepare.split is time, but the number of distinct dates is {len(days)} (a group has "
            f"one); expected at least {len(SPLITS)}: set prepare.split to "
            f"random, or {MORE_GROUPS}"
        )
    reached = days.to_numpy().cumsum() / len(table)
    first = int(np.abs(reached[:-2] - parts.train).argmin())
    second = first + 1 + int(np.abs(reached[first + 1 : -1] - (parts.train + parts.val)).argmin())
    split = np.select(
        [latest <= days.index[first], latest <= days.index[second]], SPLITS[:2], "test"
    )
    return pd.Series(split, index=table.index)


def assign_folds(category: pd.Series, group: pd.Series, folds: int, seed: int) -> pd.Series:
    """Assign to folds of about equal size and mix of categories; returns fold numbers, [N].

    Raises:
        UserError: too few listings or groups for so many folds.
    """
    largest = int(category.value_counts().max())
    if min(group.nunique(), largest) < folds:
        raise UserError(
            f"prepare.folds is {folds}, but there are {count_of(group.nunique(), 'group')} "
            f"and at most {count_of(largest, 'listing')} of a category; set fewer "
            f"folds, or {MORE_GROUPS}"
        )
    return _assign(category, group, [1 / folds] * folds, seed)


def _assign(category: pd.Series, group: pd.Series, shares: Sequence[float], seed: int) -> pd.Series:
    """Assign whole groups to bins with these shares; returns the bin number of each listing, [N].

    The largest groups come first, each to the bin that lacks most listings of its categories. A
    category counts by the share of it that the group has. scikit-learn's StratifiedGroupKFold
    makes bins of equal size only, is no better balanced, and takes ten times as long.
    """
    group_of, groups = pd.factorize(group.to_numpy(dtype=object), sort=True)
    category_of, categories = pd.factorize(category.to_numpy(dtype=object), sort=True)
    # Listings of each group by category.
    counts: list[dict[int, int]] = [{} for _ in groups]
    cells = np.unique(group_of * len(categories) + category_of, return_counts=True)
    for cell, count in zip(*(column.tolist() for column in cells), strict=True):
        counts[cell // len(categories)][cell % len(categories)] = count
    leading = [max(own, key=own.__getitem__) for own in counts]
    led, waiting = Counter(leading), Counter(leading)

    in_all = np.bincount(category_of)
    target = np.outer(in_all, shares).tolist()
    filled = [[0] * len(shares) for _ in categories]
    filled_in_all = [0] * len(shares)
    bin_of = np.empty(len(groups), np.int64)
    sizes = np.bincount(group_of)
    order = np.random.default_rng(seed).permutation(len(groups))
    for number in order[np.argsort(-sizes[order], kind="stable")].tolist():
        main = leading[number]
        lack = [0.0] * len(shares)
        for kind, count in counts[number].items():
            for i, (goal, has) in enumerate(zip(target[kind], filled[kind], strict=True)):
                lack[i] += ceil(goal - has - 1e-9) * count / in_all[kind]
        # Ties go to the bin that is furthest behind over all categories.
        behind = [has / share for has, share in zip(filled_in_all, shares, strict=True)]
        # The last groups are reserved for bins that would stay without this category.
        empty = [i for i, has in enumerate(filled[main]) if not has]
        candidates = empty if waiting[main] <= len(empty) <= led[main] else range(len(shares))
        chosen = min(candidates, key=lambda i: (-lack[i], behind[i], i))
        bin_of[number] = chosen
        waiting[main] -= 1
        for kind, count in counts[number].items():
            filled[kind][chosen] += count
            filled_in_all[chosen] += count
    return pd.Series(bin_of[group_of], index=group.index)
