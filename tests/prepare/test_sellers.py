"""A split by seller: all of a seller's listings in one split or fold, with their reposts."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.errors import UserError
from src.core.listings import PREPARED, RAW, check_listings
from src.core.rounds import cv_rounds
from src.prepare.prepare import Prepared, prepare
from src.prepare.sellers import few_sellers, with_sellers
from tests.prepare.markets import settings_with


def _market(seed: int, sellers: int = 24) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return listings of three categories, most of the sellers with several; reposts by others."""
    rng = random.Random(seed)
    rows = []
    for number in range(300):
        text = " ".join(f"слово{rng.randrange(10**6)}" for _ in range(30))
        if rows and rng.random() < 0.05:
            text = rng.choice(rows)["text"]
        rows.append(
            {
                "id": f"{number:04}",
                "title": f"Вещь {number}",
                "text": text,
                "price": 100.0,
                "category": ("Мебель", "Книги", "Часы")[number % 3],
                "photo": None,
                "seller": f"s{rng.randrange(sellers)}" if rng.random() < 0.6 else None,
                "split": None,
                "listed": f"2024-03-{1 + rng.randrange(30):02}",
            }
        )
    raw = check_listings(pd.DataFrame(rows), RAW, "raw")
    index = pd.DataFrame({"id": raw["id"], "row": -1})
    for column in ("sha256", "phash", "problem"):
        index[column] = pd.array([None] * len(raw), dtype="str")
    return raw, index


def _prepare(raw: pd.DataFrame, index: pd.DataFrame, **changes: object) -> Prepared:
    return prepare(raw, index, settings_with(group_by="seller", **changes), seed=7)


@given(st.integers(0, 1000), st.sampled_from(["random", "folds", "time"]))
@settings(max_examples=15, deadline=None)
def test_no_seller_and_no_repost_crosses(seed: int, method: str) -> None:
    raw, index = _market(seed, sellers=200)
    table, notes = _prepare(raw, index, split=method, folds=3)
    table = check_listings(table, PREPARED, "prepared")
    seller = raw.set_index("id")["seller"].loc[table["id"]].reset_index(drop=True)
    text = raw.set_index("id")["text"].loc[table["id"]].reset_index(drop=True)
    for split in cv_rounds(table):
        assert (split.groupby(seller).nunique() == 1).all()
        assert (split.groupby(text).nunique() == 1).all()
    assert notes["group_by"] == "seller" and notes["split"] == method
    assert notes["overlap"]["split"]["same_seller"] == 0
    assert notes["overlap"]["random_split"]["same_seller"] > 0
    by_chance = prepare(raw, index, settings_with(split=method, folds=3), seed=7).notes
    assert by_chance["overlap"]["split"]["same_seller"] > 0
    # What is said of near-duplicates does not depend on the sellers.
    assert notes["random_split"]["pairs"] == by_chance["random_split"]["pairs"]


def test_a_few_large_sellers_are_spread_evenly() -> None:
    raw, index = _market(1)
    table, _ = _prepare(raw, index, split="folds", folds=5)
    counts = pd.crosstab(table["category"], table["fold"]).to_numpy()
    assert counts.min() >= 12 and counts.max() <= 28


def test_groups_are_joined_by_sellers_and_back() -> None:
    table = pd.DataFrame({"id": list("abcdef"), "seller": ["x", None, "x", "y", None, None]})
    group = pd.Series(["a", "b", "c", "c", "b", "f"])
    # a and c by seller, c and d as near-duplicates.
    assert with_sellers(table, group).tolist() == ["a", "b", "a", "a", "b", "f"]


def test_without_a_seller_or_with_one_of_most_listings_it_is_refused() -> None:
    raw, index = _market(2)
    with pytest.raises(UserError, match=r"none of 300 listings has one; name its column in coll"):
        _prepare(raw.assign(seller=pd.array([None] * len(raw), dtype="str")), index)
    large = np.where(np.arange(len(raw)) < 171, "s", raw["id"])
    with pytest.raises(UserError, match=r"has 57% of the listings, such as 0000; .* at most 50%"):
        _prepare(raw.assign(text=raw["title"], seller=large), index)


def test_categories_of_few_sellers_are_set_aside() -> None:
    raw, index = _market(3, sellers=200)
    own = raw["category"] == "Часы"
    raw["seller"] = raw["seller"].mask(own, pd.Series(["s1", "s2"] * 150))
    assert few_sellers(raw).to_dict() == {"Часы": 100}
    table, notes = _prepare(raw, index)
    assert notes["set_aside"]["category_of_few_sellers"] == {"Часы": 100}
    assert set(table["category"]) == {"Мебель", "Книги"}
    raw["seller"] = raw["seller"].mask(raw["category"] == "Книги", "s3")
    expected = r"at least 8 listings and 3 sellers is 1; .* set prepare.group_by to near_duplicates"
    with pytest.raises(UserError, match=expected):
        _prepare(raw, index)


def test_given_splits_that_divide_a_seller_are_refused() -> None:
    raw, index = _market(4)
    raw["split"] = ["train", "val", "test"] * 100
    with pytest.raises(UserError, match="listings of one seller are in different given splits"):
        _prepare(raw, index)
