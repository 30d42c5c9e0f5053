"""Random splits: groups never cross, every category is everywhere; given splits are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.errors import UserError
from src.core.listings import SPLITS
from src.core.schema import Parts
from src.prepare.split import assign_splits
from tests.prepare.markets import SHARES, made_market, markets, settings_with


def _split(
    table: pd.DataFrame, group: pd.Series, shares: dict[str, float], seed: int, **changes: Any
) -> pd.Series:
    settings = settings_with(split="random", parts=Parts(**shares), **changes)
    return assign_splits(table, group, settings, seed).split


@given(
    markets(),
    st.integers(0, 100),
    st.sampled_from([SHARES, dict(zip(SPLITS, (0.9, 0.05, 0.05), strict=True))]),
)
@settings(max_examples=60, deadline=None)
def test_properties(
    market: tuple[pd.DataFrame, pd.Series], seed: int, shares: dict[str, float]
) -> None:
    table, group = market
    split = _split(table, group, shares, seed)
    assert split.isin(SPLITS).all()
    assert (split.groupby(group).nunique() == 1).all()
    assert split.equals(_split(table, group, shares, seed))
    turned = table.iloc[::-1]
    assert split.equals(_split(turned, group[turned.index], shares, seed)[table.index])
    # Every category that leads at least three groups is in every part.
    counts = pd.crosstab(group, table["category"])
    led = counts.idxmax(axis=1).value_counts()
    for category in led[led >= len(SPLITS)].index:
        assert split[table["category"] == category].nunique() == len(SPLITS)


@given(markets(), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_shares_are_close(market: tuple[pd.DataFrame, pd.Series], seed: int) -> None:
    table, group = market
    split = _split(table, group, SHARES, seed)
    sizes = group.value_counts()
    mixed = table["category"].groupby(group).nunique() > 1
    for _, own in table.groupby("category"):
        slack = sizes[group[own.index].unique()].max() + sizes[mixed].sum() + 1
        for name, share in SHARES.items():
            assert abs((split[own.index] == name).sum() - share * len(own)) <= slack


def test_without_duplicates_the_shares_are_exact() -> None:
    table = made_market(["a"] * 500 + ["b"] * 50 + ["c"] * 10)
    split = _split(table, table["id"], SHARES, 1)
    counts = pd.crosstab(table["category"], split)[list(SPLITS)]
    assert counts.to_numpy().tolist() == [[300, 100, 100], [30, 10, 10], [6, 2, 2]]
    assert not split.equals(_split(table, table["id"], SHARES, 2))


def test_many_small_categories_do_not_tilt_the_whole() -> None:
    table = made_market([f"c{number // 8}" for number in range(8 * 40)])
    total = _split(table, table["id"], SHARES, 1).value_counts(normalize=True)
    assert all(abs(total[name] - share) < 0.02 for name, share in SHARES.items())


def test_given_splits_are_kept() -> None:
    rng = np.random.default_rng(0)
    given_split = [*SPLITS, *rng.choice(SPLITS, 97)]
    table = made_market(["a", "b"] * 50, given_split)
    assert _split(table, table["id"], SHARES, 1).tolist() == given_split


def test_a_duplicate_across_given_splits_is_refused_or_dropped() -> None:
    table = made_market(["a"] * 6, ["train", "train", "val", "test", "train", "test"])
    group = pd.Series(["x", "y", "x", "y", "z", "w"])
    with pytest.raises(UserError) as refused:
        _split(table, group, SHARES, 1)
    message = str(refused.value)
    assert "00000 (train) and 00002 (val)" in message
    assert "00001 (train) and 00003 (test)" in message
    assert "(2 in all)" in message and "prepare.crossing" in message
    dropped = _split(table, group, SHARES, 1, crossing="drop")
    assert dropped.isna().tolist() == [True, True, False, False, False, False]
    assert dropped.dropna().tolist() == ["val", "test", "train", "test"]


@pytest.mark.parametrize("method", ["random", "time", "folds"])
def test_given_splits_come_before_the_params(method: str) -> None:
    table = made_market(["a", "b"] * 3, [*SPLITS, *SPLITS])
    found = assign_splits(table, table["id"], settings_with(split=method), 1)
    assert found.split.tolist() == [*SPLITS, *SPLITS]
    assert set(found.fold) == {-1}
    assert found.kind == "given by the table"


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (["train", None, "test", "val"], "empty for 1 of 4 listings"),
        (
            ["train", "train", "test", "test"],
            "no listing has split val; expected all of train, val, test",
        ),
    ],
)
def test_incomplete_given_splits_are_refused(split: list[str | None], expected: str) -> None:
    table = made_market(["a"] * 4, split)
    with pytest.raises(UserError, match=expected):
        _split(table, table["id"], SHARES, 1)


def test_too_few_groups_are_refused() -> None:
    table = made_market(["a"] * 9)
    expected = (
        "the 9 listings are 2 groups that stay together; expected at least 3, one for each split: "
        "collect more listings, or let fewer pass for near-duplicates: raise "
        "prepare.text_similarity or lower prepare.photo_bits; by seller there are as many groups"
    )
    with pytest.raises(UserError, match=expected):
        _split(table, pd.Series(["x"] * 5 + ["y"] * 4), SHARES, 1)
