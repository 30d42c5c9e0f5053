"""From raw listings to the prepared table, and the notes of what was left out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from src.cleaning.picture import BROKEN
from src.core.errors import UserError
from src.core.listings import PREPARED, check_listings
from src.prepare.prepare import Prepared, prepare
from tests.prepare.markets import raw_market, settings_with


def _copy_text(raw: pd.DataFrame, source: int, target: int) -> None:
    texts = raw["text"].tolist()
    texts[target] = texts[source]
    raw["text"] = texts


def _prepare(raw: pd.DataFrame, index: pd.DataFrame, **changes: Any) -> Prepared:
    return prepare(raw, index, settings_with(**changes), seed=7)


def test_the_table_and_the_notes() -> None:
    raw, index = raw_market()
    _copy_text(raw, 0, 1)
    raw["category"] = raw["category"].mask(raw["id"] == "0002", "Редкость")
    lost = index["id"] == "0003"
    index["row"] = index["row"].mask(lost, -1)
    index["problem"] = index["problem"].mask(lost, BROKEN)
    shuffled = raw.sample(frac=1, random_state=1)
    table, notes = _prepare(shuffled, index)
    table = check_listings(table, PREPARED, "prepared")
    assert table["id"].tolist() == sorted(set(raw["id"]) - {"0002"})
    row = table.iloc[0]
    assert row["title"] == "Вещь & номер 0" and row["text"].endswith("[phone]")
    assert row["title_words"] == "вещь номер 0"
    assert table["group"].tolist()[:2] == ["0000", "0000"]
    assert table["photo_row"].tolist()[:4] == [-1, 1, -1, 4]
    assert notes["collected"] == 90 and notes["listings"] == 89
    assert sum(notes["parts"].values()) == 89
    assert notes["set_aside"]["category_too_small"] == {"Редкость": 1}
    assert notes["photos"]["problems"] == {BROKEN: 1}
    assert notes["photos"]["read"] + notes["photos"]["none"] + 1 == 89
    assert notes["duplicates"]["groups"] == 1 and notes["duplicates"]["links"]["text"] == 1
    assert notes["contacts_hidden"]["phone"] == 89
    json.dumps(notes)
    again = _prepare(raw, index.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(check_listings(again.table, PREPARED, "again"), table)
    assert again.notes == notes


def test_shuffled_labels_keep_all_but_the_labels() -> None:
    raw, index = raw_market()
    plain, _ = _prepare(raw, index)
    control, notes = _prepare(raw, index, shuffle_labels=True)
    assert notes["labels"] == "shuffled"
    others = [column for column in plain if column != "category"]
    pd.testing.assert_frame_equal(plain[others], control[others])
    assert sorted(plain["category"]) == sorted(control["category"])
    assert (plain["category"] == control["category"]).mean() < 0.6


def test_a_random_split_would_have_leaked() -> None:
    raw, index = raw_market()
    for twin in range(0, 60, 2):
        _copy_text(raw, twin, twin + 1)
    notes = _prepare(raw, index).notes["random_split"]
    assert notes["pairs"] == 30
    # Sixty, twenty and twenty of a hundred: 0.56 of the pairs cross on average.
    assert 8 < notes["pairs_crossing"] == notes["groups_crossing"] < 26
    assert notes["test_listings"] == 18
    twins = notes["test_listings_with_twin_in_train_or_val"]
    assert 0 < twins <= min(18, notes["pairs_crossing"])


def test_the_overlap_is_measured_here_and_by_a_random_split() -> None:
    raw, index = raw_market()
    for twin in range(0, 60, 2):
        _copy_text(raw, twin, twin + 1)
    for method, tested in (("random", 18), ("folds", 90)):
        found = _prepare(raw, index, split=method).notes["overlap"]
        assert found["split"]["texts"] == found["random_split"]["texts"] == tested
        assert found["split"]["similar_text"] == 0 < found["random_split"]["similar_text"]
        assert found["split"]["same_file"] == 0


def test_split_by_date_and_in_folds() -> None:
    raw, index = raw_market()
    table, notes = _prepare(raw, index, split="time")
    assert notes["split"] == "time"
    listed = table.groupby("split")["listed"]
    assert listed.max()["train"] < listed.min()["val"]
    assert listed.max()["val"] < listed.min()["test"]
    table, notes = _prepare(raw, index, split="folds", folds=3)
    assert notes["split"] == "folds"
    check_listings(table, PREPARED, "prepared")
    assert table["fold"].value_counts().tolist() == [30] * 3
    assert (table["split"] == table["fold"].map({0: "test", 1: "val", 2: "train"})).all()
    raw["category"] = raw["category"].mask(raw["listed"] >= "2024-03-29", "Новинка")
    with pytest.raises(
        UserError, match=r"train has no listing of 1 of 4 categories, such as 'Новинка'"
    ):
        _prepare(raw, index, split="time", min_per_category=3)


def test_given_splits_with_a_duplicate() -> None:
    raw, index = raw_market()
    raw["split"] = (["train"] * 3 + ["val"] * 3 + ["test"] * 3) * 10
    _copy_text(raw, 0, 6)
    with pytest.raises(UserError, match=r"0000 \(train\) and 0006 \(test\)"):
        _prepare(raw, index)
    table, notes = _prepare(raw, index, crossing="drop")
    assert "0000" not in set(table["id"]) and len(table) == 89
    assert notes["set_aside"]["duplicate_in_later_part"] == 1
    assert notes["split"] == "given by the table"
    assert table["split"].tolist() == raw["split"].tolist()[1:]


def test_what_cannot_be_prepared_says_why() -> None:
    raw, index = raw_market()
    with pytest.raises(UserError, match="run the pack stage again"):
        _prepare(raw, index.iloc[1:])
    with pytest.raises(
        UserError, match=r"categories with at least 500 listings is 0; expected at least 2"
    ):
        _prepare(raw, index, min_per_category=500)
    raw["split"] = np.where(raw["category"] == "Часы", "test", ["train", "val"] * 45)
    with pytest.raises(
        UserError, match="train has no listing of 1 of 3 categories, such as 'Часы'"
    ):
        _prepare(raw, index)


def test_a_category_whose_listings_are_all_near_duplicates_is_set_aside() -> None:
    raw, index = raw_market(90)
    shop = raw["category"] == "Часы"
    raw.loc[shop, ["title", "text"]] = ["Часы в наличии", "большой выбор часов " * 9]
    index["row"] = -1
    for split in ("random", "folds"):
        prepared = prepare(raw, index, settings_with(split=split), seed=7)
        assert set(prepared.table["category"]) == {"Мебель", "Книги"}
        assert prepared.notes["set_aside"]["category_of_few_groups"] == {"Часы": 30}
        assert prepared.notes["listings"] == 60
