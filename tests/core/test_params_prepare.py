"""What the sections `pack` and `prepare` may contain, and the line that says what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from src.core.params import parse_params
from tests.core.test_params import CONTENT, changed, fault


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"train": 0.8, "test": 0.2}, "prepare.parts.val is missing; add it"),
        (
            {"train": 0.6, "val": 0.2, "test": 0.3},
            "prepare.parts: train 0.6 + val 0.2 + test 0.3 is 1.1; expected shares that add up to",
        ),
        ({"train": 1.0, "val": 0.0, "test": 0.0}, "prepare.parts.train is 1.0; expected a number"),
    ],
)
def test_odd_shares_are_refused(shares: dict[str, float], words: str) -> None:
    assert fault(changed("prepare.parts", shares)).startswith(words)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("split", "kfold", "prepare.split is 'kfold'; expected random, time or folds"),
        ("engine", "spark", "prepare.engine is 'spark'; expected local or ray"),
        ("crossing", "ignore", "prepare.crossing is 'ignore'; expected refuse or drop"),
        ("group_by", "user", "prepare.group_by is 'user'; expected near_duplicates or seller"),
        ("folds", 2, "prepare.folds is 2; expected a whole number from 3"),
        ("text_similarity", 70, "prepare.text_similarity is 70; expected a number above 0"),
        ("text_similarity", 0, "prepare.text_similarity is 0; expected a number above 0"),
        ("photo_bits", -1, "prepare.photo_bits is -1; expected a whole number from 0 to 64"),
        ("photo_bits", 65, "prepare.photo_bits is 65; expected a whole number from 0 to 64"),
        ("min_per_category", 0, "prepare.min_per_category is 0; expected a whole number from 1"),
    ],
)
def test_what_cannot_be_prepared_is_refused(key: str, value: Any, words: str) -> None:
    assert fault(changed(f"prepare.{key}", value)).startswith(words)


@pytest.mark.parametrize("pixels", [15, 1025, 160.5, "160"])
def test_photos_of_an_odd_size_are_refused(pixels: object) -> None:
    assert "expected a whole number from 16 to 1024" in fault(changed("pack.pixels", pixels))


def test_settings_that_are_right_are_taken_as_they_are() -> None:
    assert parse_params(CONTENT).prepare.model_dump() == CONTENT["prepare"]


def test_a_split_by_seller_needs_a_column_of_sellers() -> None:
    content = changed("prepare.group_by", "seller")
    assert parse_params(content).prepare.group_by == "seller"
    content["collect"]["source"] = "table"
    assert fault(content).startswith(
        "prepare.group_by is seller, but collect.table.columns.seller is ''; expected the name of"
    )
    content["collect"]["table"]["columns"]["seller"] = "shop"
    assert parse_params(content).prepare.group_by == "seller"
