"""Groups never cross, every category is everywhere, and a given split is kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import UserError
from src.listings import PARTS
from src.prepare.split import split

SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}


def _table(categories: list[str], part: Sequence[str | None] | None = None) -> pd.DataFrame:
    ids = [f"{number:05}" for number in range(len(categories))]
    given_part = pd.array(part or [None] * len(ids), dtype="str")
    return pd.DataFrame({"id": ids, "category": categories, "part": given_part})


@st.composite
def _markets(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.Series]:
    """Unbalanced categories; groups of one to six, now and then across two categories."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    categories: list[str] = []
    for name in range(draw(st.integers(2, 8))):
        categories += [f"c{name}"] * draw(st.integers(3, 80))
    table = _table(categories)
    group = np.arange(len(table))
    for _ in range(draw(st.integers(0, len(table) // 6))):
        rows = rng.integers(len(table)) + np.arange(rng.integers(1, 7))
        group[rows[rows < len(table)]] = rows[0]
    return table, pd.Series([f"g{name}" for name in group], index=table.index)


@given(
    _markets(),
    st.integers(0, 100),
    st.sampled_from([SHARES, dict(zip(PARTS, (0.9, 0.05, 0.05), strict=True))]),
)
@settings(max_examples=60, deadline=None)
def test_properties(
    market: tuple[pd.DataFrame, pd.Series], seed: int, shares: dict[str, float]
) -> None:
    table, group = market
    part = split(table, group, shares, seed)
    assert part.isin(PARTS).all()
    assert (part.groupby(group).nunique() == 1).all()
    assert part.equals(split(table, group, shares, seed))
    turned = table.iloc[::-1]
    assert part.equals(split(turned, group[turned.index], shares, seed)[table.index])
    # Every category that leads at least three groups is in every part.
    counts = pd.crosstab(group, table["category"])
    led = counts.idxmax(axis=1).value_counts()
    for category in led[led >= len(PARTS)].index:
        assert part[table["category"] == category].nunique() == len(PARTS)


@given(_markets(), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_shares_are_close(market: tuple[pd.DataFrame, pd.Series], seed: int) -> None:
    table, group = market
    part = split(table, group, SHARES, seed)
    sizes = group.value_counts()
    mixed = table["category"].groupby(group).nunique() > 1
    for _, own in table.groupby("category"):
        slack = sizes[group[own.index].unique()].max() + sizes[mixed].sum() + 1
        for name, share in SHARES.items():
            assert abs((part[own.index] == name).sum() - share * len(own)) <= slack


def test_without_duplicates_the_shares_are_exact() -> None:
    table = _table(["a"] * 500 + ["b"] * 50 + ["c"] * 10)
    part = split(table, table["id"], SHARES, 1)
    counts = pd.crosstab(table["category"], part)[list(PARTS)]
    assert counts.to_numpy().tolist() == [[300, 100, 100], [30, 10, 10], [6, 2, 2]]
    assert not part.equals(split(table, table["id"], SHARES, 2))


def test_many_small_categories_do_not_tilt_the_whole() -> None:
    table = _table([f"c{number // 8}" for number in range(8 * 40)])
    total = split(table, table["id"], SHARES, 1).value_counts(normalize=True)
    assert all(abs(total[name] - share) < 0.02 for name, share in SHARES.items())


def test_given_parts_are_kept() -> None:
    rng = np.random.default_rng(0)
    given_part = [*PARTS, *rng.choice(PARTS, 97)]
    table = _table(["a", "b"] * 50, given_part)
    assert split(table, table["id"], SHARES, 1).tolist() == given_part


def test_a_duplicate_across_given_parts_is_refused_or_dropped() -> None:
    table = _table(["a"] * 6, ["train", "train", "val", "test", "train", "test"])
    group = pd.Series(["x", "y", "x", "y", "z", "w"])
    with pytest.raises(UserError) as refused:
        split(table, group, SHARES, 1)
    message = str(refused.value)
    assert "00000 (train) and 00002 (val)" in message
    assert "00001 (train) and 00003 (test)" in message
    assert "2 listings" in message and "prepare.crossing" in message
    dropped = split(table, group, SHARES, 1, crossing="drop")
    assert dropped.isna().tolist() == [True, True, False, False, False, False]
    assert dropped.dropna().tolist() == ["val", "test", "train", "test"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (["train", None, "test", "val"], "empty for 1 of 4 listings"),
        (["train", "train", "test", "test"], "no listing has part val"),
    ],
)
def test_half_given_parts_are_refused(part: list[str | None], expected: str) -> None:
    table = _table(["a"] * 4, part)
    with pytest.raises(UserError, match=expected):
        split(table, table["id"], SHARES, 1)


@pytest.mark.parametrize(
    "shares",
    [
        {"train": 0.8, "test": 0.2},
        {"train": 0.6, "val": 0.2, "test": 0.3},
        {"train": 1.0, "val": 0.0, "test": 0.0},
    ],
)
def test_odd_shares_are_refused(shares: dict[str, float]) -> None:
    table = _table(["a"] * 9)
    with pytest.raises(UserError, match=r"prepare\.parts"):
        split(table, table["id"], shares, 1)


def test_too_few_groups_are_refused() -> None:
    table = _table(["a"] * 9)
    with pytest.raises(UserError, match="2 groups"):
        split(table, pd.Series(["x"] * 5 + ["y"] * 4), SHARES, 1)
