"""Splits by date and in folds: no group crosses, nothing from the future is in train."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from src.core.errors import UserError
from src.core.listings import SPLITS
from src.core.rounds import cv_rounds
from src.prepare.split import SplitAssignment, assign_splits
from tests.prepare.markets import made_market, markets, settings_with

Market = tuple[pd.DataFrame, pd.Series]


def _split(
    table: pd.DataFrame, group: pd.Series, method: str, seed: int = 1, **changes: Any
) -> SplitAssignment:
    return assign_splits(table, group, settings_with(split=method, **changes), seed)


def _dated(table: pd.DataFrame, days: int, seed: int) -> pd.DataFrame:
    numbers = np.random.default_rng(seed).integers(days, size=len(table))
    # The first three listings are of different days, so that there is something to cut.
    numbers[:3] = 0, 1, 2
    dates = pd.Timestamp("2024-02-20") + pd.to_timedelta(numbers, unit="D")
    return table.assign(listed=dates.strftime("%Y-%m-%d").to_numpy())


@given(markets(), st.integers(3, 90), st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_by_date_no_split_has_a_listing_as_new_as_the_next_split(
    market: Market, days: int, seed: int
) -> None:
    table, group = _dated(market[0], days, seed), market[1]
    latest = table["listed"].groupby(group).transform("max")
    if latest.nunique() < 3:
        return
    split = _split(table, group, "time").split
    assert (split.groupby(group).nunique() == 1).all()
    assert set(split) == set(SPLITS)
    last, first = latest.groupby(split).max(), latest.groupby(split).min()
    assert last["train"] < first["val"] and last["val"] < first["test"]
    assert table["listed"][split == "train"].max() <= last["train"]
    turned = table.iloc[::-1]
    assert split.equals(_split(turned, group[turned.index], "time").split[table.index])


def test_by_date_the_shares_are_as_close_as_the_days_allow() -> None:
    table = made_market(["a", "b"] * 50)
    daily = table.assign(listed=[f"2024-01-{1 + n // 5:02}" for n in range(100)])
    split = _split(daily, table["id"], "time").split
    assert split.tolist() == ["train"] * 60 + ["val"] * 20 + ["test"] * 20
    # Four days of 25: cuts at 0.5 and 0.75 are nearest to 0.6 and 0.8.
    coarse = table.assign(listed=[f"2024-0{1 + n // 25}-01" for n in range(100)])
    assert _split(coarse, table["id"], "time").split.value_counts()[[*SPLITS]].tolist() == [
        50,
        25,
        25,
    ]


def test_a_repost_takes_its_group_to_the_split_of_the_latest_date() -> None:
    table = made_market(["a", "b"] * 5).assign(listed=[f"2024-01-{n:02}" for n in range(1, 11)])
    group = table["id"].mask(table.index == 9, "00000")
    split = _split(table, group, "time").split
    assert split[0] == split[9] == "test"
    assert split[1] == "train"


def test_listings_without_a_date_or_of_two_days_cannot_be_split_by_date() -> None:
    table = made_market(["a", "b"] * 5).assign(listed="2024-01-01")
    undated = table.assign(listed=table["listed"].mask(table.index > 7))
    with pytest.raises(UserError, match="2 of 10 listings have no date, the first of them 00008;"):
        _split(undated, table["id"], "time")
    two = table.assign(listed=["2024-01-01", "2024-01-02"] * 5)
    with pytest.raises(
        UserError, match=r"the number of distinct dates is 2 .*; expected at least 3"
    ):
        _split(two, table["id"], "time")


@given(markets(smallest=12), st.integers(3, 6), st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_in_folds_every_listing_is_judged_once_and_no_group_crosses(
    market: Market, folds: int, seed: int
) -> None:
    table, group = market
    found = _split(table, group, "folds", seed, folds=folds)
    rounds = cv_rounds(table.assign(fold=found.fold, split=found.split))
    assert len(rounds) == folds
    assert rounds[0].equals(found.split)
    judged = sum((split == "test").astype(int) for split in rounds)
    assert (judged == 1).all()
    stopped_on = sum((split == "val").astype(int) for split in rounds)
    assert (stopped_on == 1).all()
    for split in rounds:
        assert set(split) == set(SPLITS)
        assert (split.groupby(group).nunique() == 1).all()
    turned = table.iloc[::-1]
    again = _split(turned, group[turned.index], "folds", seed, folds=folds)
    assert found.fold.equals(again.fold[table.index])


@given(st.lists(st.integers(8, 60), min_size=2, max_size=6), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_in_folds_every_category_is_in_every_fold(sizes: list[int], seed: int) -> None:
    table = made_market([f"c{name}" for name, size in enumerate(sizes) for _ in range(size)])
    found = _split(table, table["id"], "folds", seed)
    counts = pd.crosstab(table["category"], found.fold).to_numpy()
    assert counts.min() >= 1
    assert (counts.max(1) - counts.min(1)).max() <= 1


def test_folds_are_as_even_as_those_of_scikit_learn() -> None:
    def uneven(table: pd.DataFrame, fold: object) -> float:
        counts = pd.crosstab(table["category"], fold).to_numpy()
        return float((counts / counts.sum(axis=1, keepdims=True)).std(axis=1).mean())

    for seed in range(20):
        rng = np.random.default_rng(seed)
        categories = np.repeat(["a", "b", "c", "d"], rng.integers(12, 120, 4))
        table = made_market(rng.permutation(categories).tolist())
        # Groups of one to six, most of several categories.
        group = np.arange(len(table))
        for start in rng.integers(len(table), size=len(table) // 6):
            group[start : start + rng.integers(1, 7)] = start
        named = pd.Series([f"g{name}" for name in group])
        ours = _split(table, named, "folds", seed).fold
        theirs = np.empty(len(table), np.int64)
        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        for fold, (_, test) in enumerate(splitter.split(table, table["category"], group)):
            theirs[test] = fold
        assert uneven(table, ours) <= uneven(table, theirs) + 1e-9


def test_without_folds_the_only_round_is_the_split_of_the_table() -> None:
    table = made_market(["a"] * 3, list(SPLITS)).assign(fold=-1)
    assert [split.tolist() for split in cv_rounds(table)] == [list(SPLITS)]


def test_folds_that_cannot_be_filled_are_refused() -> None:
    table = made_market(["a", "b"] * 5)
    with pytest.raises(UserError, match="at most 5 listings of a category"):
        _split(table, table["id"], "folds", folds=9)
