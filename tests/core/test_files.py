"""Errors in one line; files that are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from src.core.errors import UserError
from src.core.files import read_json, replacing, write_json, write_npz
from src.core.listings import PREPARED, RAW, check_listings, read_listings, write_listings
from src.core.timing import run_stage


def test_an_error_while_writing_leaves_the_old_file_and_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    write_json(path, {"old": 1})
    with pytest.raises(TypeError):
        write_json(path, {"new": object()})
    assert read_json(path) == {"old": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["kept.json"]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    for content in ("a", "b"):
        with replacing(tmp_path / "folder") as beside:
            beside.mkdir()
            (beside / content).touch()
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["b"]


def test_equal_content_is_equal_bytes(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"b": 1, "a": "ё"})
    write_json(tmp_path / "b", {"a": "ё", "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_arrays_are_read_back_as_they_were_and_in_equal_bytes(tmp_path: Path) -> None:
    arrays = {"names": np.array(["стол", ""]), "x": np.eye(2, dtype=np.float32), "flag": True}
    for name in ("a", "b"):
        write_npz(tmp_path / name, arrays)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with np.load(tmp_path / "a", allow_pickle=False) as stored:
        assert stored.files == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(stored[name], array)
    with pytest.raises(ValueError, match="allow_pickle"):
        write_npz(tmp_path / "a", {"odd": np.array([object()])})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_full_disk_is_one_line() -> None:
    def main() -> None:
        with Path("/dev/full").open("w") as file:
            file.write("x" * 100_000)

    with pytest.raises(SystemExit) as stop:
        run_stage("main", main)
    assert str(stop.value).startswith("error: the disk is full")
    assert "\n" not in str(stop.value)


def test_a_users_mistake_is_one_line_and_our_own_keeps_its_traceback() -> None:
    def mistake() -> None:
        raise UserError("given 1, expected 2: give 2")

    with pytest.raises(SystemExit) as stop:
        run_stage("mistake", mistake)
    assert stop.value.code == "error: given 1, expected 2: give 2"
    with pytest.raises(ZeroDivisionError):
        run_stage("mistake", lambda: print(1 / 0))


def _raw() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": ["1", "2"], "title": ["стол", "стул"], "text": ["", "дуб"],
            "price": [100.0, None], "category": ["мебель", "мебель"], "photo": ["a/b.jpg", None],
            "seller": [None, None], "split": [None, None], "listed": ["2024-02-29", None],
        }
    )  # fmt: skip


def test_listings_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_listings(_raw(), tmp_path / "listings.parquet", RAW)
    back = read_listings(tmp_path / "listings.parquet", RAW)
    assert back["id"].tolist() == ["1", "2"]
    assert back["price"].isna().tolist() == [False, True]
    assert back["photo"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("column", "value"),
    [("id", "../1"), ("photo", "../../etc/passwd"), ("photo", "/etc/passwd"), ("price", -1.0),
     ("category", ""), ("split", "holdout"), ("listed", "29.02.2024")],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_named(column: str, value: object) -> None:
    table = _raw().astype(object)
    table.loc[1, column] = value
    with pytest.raises(UserError, match=rf"t\.parquet: column '{column}'") as error:
        check_listings(table, RAW, "t.parquet")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("column", ["split", "fold"])
def test_a_group_in_two_splits_or_folds_is_refused_with_its_ids(column: str) -> None:
    table = pd.DataFrame(
        {
            "id": ["1", "2", "3"], "title": "x", "text": "", "title_words": "x", "text_words": "",
            "price": 1.0, "category": ["a", "b", "a"], "photo_row": [-1, 0, 1],
            "group": ["1", "1", "3"], "split": "train", "fold": 0, "listed": None,
        }
    )  # fmt: skip
    table[column] = {"split": ["train", "test", "val"], "fold": [1, 2, 0]}[column]
    with pytest.raises(UserError, match="1 and 2") as error:
        check_listings(table, PREPARED, "prepared")
    assert "3" not in str(error.value).split("near-duplicates", 1)[0]
