"""Labels that people put right: their files, whose decision counts, and what it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.core.errors import UserError
from src.core.listings import PREPARED, check_listings
from src.prepare.corrections import (
    CHANGED_SINCE,
    GONE,
    NEITHER,
    UNKNOWN,
    Correction,
    conflicts,
    correct,
    corrections_said,
    latest,
    read_corrections,
    read_corrections_folder,
    write_corrections,
)
from src.prepare.prepare import prepare
from tests.prepare.markets import raw_market, settings_with

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=9)


def decided(listing: str, category: str, was: str, by: str = "anna", day: int = 1) -> Correction:
    return Correction(listing, category, was, by, f"2026-03-{day:02}T10:00:00Z")


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=4))
def test_a_file_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str, str]]
) -> None:
    path = tmp_path_factory.mktemp("corrections") / "anna.csv"
    written = [decided(f"r{n}", *names) for n, names in enumerate(cells)]
    write_corrections(written, path)
    assert read_corrections(path) == written


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id;category;was;by;at\n", "the first line is 'id;category;was;by;at'; expected the"),
        (b"", "the first line is ''; expected the columns id,category,was,by,at"),
        (b"id,category,was,by,at\n1,a,b,c\n", "line 2: expected 5 cells"),
        (b"id,category,was,by,at\n1,a,b,c,d,e\n", "line 2: expected 5 cells"),
        (b"id,category,was,by,at\n,a,b,c,2026-01-31\n", "line 2: id is empty"),
        (b"id,category,was,by,at\n1,a,b,c,yesterday\n", "line 2: at is 'yesterday'; expected a"),
        (b"id,category,was,by,at\n1,\xff,b,c,2026-01-31\n", "cannot be read"),
        (b'id,category,was,by,at\n1,"a,b,c,2026-01-31\n', "cannot be read"),
    ],
)
def test_what_is_no_file_of_corrections_is_refused_in_one_line(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "anna.csv"
    path.write_bytes(content)
    with pytest.raises(UserError) as refused:
        read_corrections(path)
    assert message in str(refused.value) and str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_with_the_name_of_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "anna.csv").mkdir()
    with pytest.raises(UserError, match=r"anna\.csv cannot be read \(.*directory"):
        read_corrections_folder(tmp_path)


def test_columns_may_stand_in_another_order_and_after_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "anna.csv"
    path.write_text("\ufeffat,by,was,category,id,more\n2026-03-01,anna,A,B,7,x\n", encoding="utf-8")
    assert read_corrections(path) == [Correction("7", "B", "A", "anna", "2026-03-01")]


def test_the_files_of_two_people_are_read_together_and_the_later_decision_counts(
    tmp_path: Path,
) -> None:
    assert read_corrections_folder(tmp_path / "missing") == []
    anna = [decided("1", "B", "A", day=1), decided("2", "B", "A", day=3)]
    boris = [decided("1", "C", "A", "boris", day=2), decided("2", "B", "A", "boris", day=1)]
    write_corrections(anna, tmp_path / "anna.csv")
    write_corrections(boris, tmp_path / "boris.csv")
    both = read_corrections_folder(tmp_path)
    assert latest(both) == {"1": boris[0], "2": anna[1]}
    assert conflicts(both) == [(boris[0], anna[0])]
    # Who thinks better of it disagrees with nobody.
    assert conflicts([*both, decided("1", "C", "A", day=4)]) == []


def test_times_are_compared_across_time_zones() -> None:
    early = Correction("1", "B", "A", "anna", "2026-03-01T10:00:00+03:00")
    late = Correction("1", "C", "A", "boris", "2026-03-01T08:00:00")
    assert latest([late, early])["1"] == late


def listings(*categories: str) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"r{n}" for n in range(len(categories))], "category": categories})


def test_no_decision_is_lost() -> None:
    raw = listings("A", "A", "B", "B", "B")
    decisions = [
        decided("r0", "B", "A"),
        decided("r1", "A", "A"),
        decided("r2", NEITHER, "B"),
        decided("r3", "A", "C"),
        decided("r4", "D", "B"),
        decided("r9", "A", "B"),
    ]
    category, notes = correct(raw, decisions)
    assert category.tolist() == ["B", "A", NEITHER, "B", "B"]
    assert raw["category"].tolist() == ["A", "A", "B", "B", "B"]
    assert (notes["kept"], notes["changed"], notes["set_aside"]) == (1, {"r0": "A"}, {"r2": "B"})
    reasons = {one["id"]: one["reason"] for one in notes["not_applied"]}
    assert reasons == {"r3": CHANGED_SINCE, "r4": UNKNOWN, "r9": GONE}
    said = corrections_said(notes | {"changed_in_test": 1, "set_aside_in_test": 0})
    assert said[0].endswith("1 changed, 1 kept, 1 fit no category and were set aside")
    assert "of the test listings 1 have another label and 0 are set aside" in said[1]
    assert said[2:] == [
        f"not applied: 1 decision, {reason} (e.g. {listing})"
        for listing, reason in (("r3", CHANGED_SINCE), ("r9", GONE), ("r4", UNKNOWN))
    ]


def test_a_label_that_the_source_has_put_right_itself_is_kept() -> None:
    _, notes = correct(listings("B"), [decided("r0", "B", "A")])
    assert notes["kept"] == 1 and not notes["not_applied"]


def test_people_who_disagree_are_named() -> None:
    both = [decided("r0", "B", "A"), decided("r0", NEITHER, "A", "boris", day=2)]
    _, notes = correct(listings("A", "B"), both)
    said = corrections_said(notes | {"changed_in_test": 0, "set_aside_in_test": 0})
    assert said[-1] == (
        "people disagree on 1 listing; the later decision counts (e.g. r0: no category by boris, "
        "not B by anna)"
    )


@pytest.mark.parametrize("changes", [{}, {"split": "time"}, {"split": "folds"}])
def test_a_correction_moves_no_other_listing_to_another_split(changes: dict[str, Any]) -> None:
    raw, index = raw_market()
    plain = prepare(raw, index, settings_with(**changes), 7)
    assert plain.notes["corrections"]["said"] == []
    tested = plain.table[plain.table["split"] == "test"].iloc[:2]
    decisions = [
        decided(one.id, "Книги" if one.category != "Книги" else "Часы", one.category)
        for one in (tested.iloc[0], plain.table[plain.table["split"] == "train"].iloc[0])
    ]
    decisions.append(decided(tested["id"].iloc[1], NEITHER, tested["category"].iloc[1]))
    table, notes = prepare(raw, index, settings_with(**changes), 7, decisions)
    check_listings(table, PREPARED, "prepared")
    before, after = plain.table.set_index("id"), table.set_index("id")
    assert set(before.index) - set(after.index) == {decisions[-1].id}
    others = before.drop(columns="category").loc[after.index]
    pd.testing.assert_frame_equal(after.drop(columns="category"), others)
    assert (after["category"] != before["category"].loc[after.index]).sum() == 2
    in_folds = changes == {"split": "folds"}
    assert notes["corrections"]["changed_in_test"] == (2 if in_folds else 1)
    assert notes["corrections"]["set_aside_in_test"] == notes["set_aside"]["fits_no_category"] == 1
    assert notes["listings"] == 89 and sum(notes["parts"].values()) == 89


def test_a_category_is_as_large_as_people_say() -> None:
    raw, index = raw_market()
    raw.loc[:8, "category"] = ["Книги"] * 3 + ["Редкость"] * 6
    few = raw[raw["category"] == "Редкость"]["id"]
    settings = settings_with(min_per_category=7)
    assert "Редкость" not in set(prepare(raw, index, settings, 7).table["category"])
    # One more makes it large enough, two less make a book of the others.
    grown = prepare(raw, index, settings, 7, [decided("0000", "Редкость", "Книги")]).table
    assert (grown["category"] == "Редкость").sum() == 7
    moved = [decided(one, "Книги", "Редкость") for one in few[:2]]
    table, notes = prepare(raw, index, settings, 7, moved)
    assert set(few[:2]) <= set(table["id"]) and not set(few[2:]) & set(table["id"])
    assert notes["set_aside"]["category_too_small"] == {"Редкость": 4}


def test_categories_that_people_emptied_are_not_split() -> None:
    raw, index = raw_market()
    only = raw[raw["category"] != "Книги"]
    decisions = [decided(one.id, "Книги", one.category) for one in only.itertuples()]
    with pytest.raises(UserError, match="listings is 1; expected at least 2"):
        prepare(raw, index, settings_with(), 7, decisions)


def test_shuffled_labels_have_no_former_ones() -> None:
    raw, index = raw_market()
    one = raw.iloc[0]
    decisions = [
        decided(one["id"], "Книги" if one["category"] != "Книги" else "Часы", one["category"])
    ]
    notes = prepare(raw, index, settings_with(shuffle_labels=True), 7, decisions).notes
    assert notes["corrections"]["changed"] == {} and notes["corrections"]["said"] == []
    assert prepare(raw, index, settings_with(), 7, decisions).notes["corrections"]["changed"]
