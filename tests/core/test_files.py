"""Errors in one line; files that are written whole or not at all."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from src.core.errors import UserError, is_full_disk, run_command
from src.core.files import read_json, replacing, write_json, write_npz
from src.core.listings import PREPARED, RAW, check_listings, read_listings, write_listings
from src.core.timing import run_stage

ROOT = Path(__file__).parents[2]


def test_an_error_while_writing_leaves_the_old_file_and_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    write_json(path, {"old": 1})
    with pytest.raises(TypeError):
        write_json(path, {"new": object()})
    assert read_json(path) == {"old": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["kept.json"]


@pytest.mark.parametrize("free", [0, 10**9])
def test_a_library_that_meets_a_full_disk_says_it_like_others(
    free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(RuntimeError if free else OSError) as caught, replacing(tmp_path / "file"):
        raise RuntimeError("PytorchStreamWriter failed writing file data/1")
    assert is_full_disk(caught.value) == (not free)
    # What the user did wrong stays what it is.
    with pytest.raises(UserError), replacing(tmp_path / "file"):
        raise UserError("no photos")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "a.npy"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        sqlite3.OperationalError("database or disk is full"),
        ValueError("Error while serializing: I/O error: No space left on device (os error 28)"),
        OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28]"),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_full_disk_is_one_line_whoever_says_it(error: Exception, wrapped: bool) -> None:
    def fail() -> None:
        if not wrapped:
            raise error
        raise RuntimeError("the model cannot be saved") from error

    with pytest.raises(SystemExit) as ended:
        run_command(fail)
    line = str(ended.value.code)
    assert line.startswith("error: the disk is full") and "\n" not in line
    assert line.endswith("; free some space and run it again")


def test_other_errors_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("basic_ios::clear: iostream error 28")

    with pytest.raises(RuntimeError):
        run_command(fail)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(SystemExit, match="the disk is full"):
        run_command(fail)


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    for content in ("a", "b"):
        with replacing(tmp_path / "folder") as beside:
            beside.mkdir()
            (beside / content).touch()
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["b"]


def test_a_file_takes_the_place_of_no_folder_and_a_folder_of_no_file(tmp_path: Path) -> None:
    folder, file, link = (tmp_path / name for name in ("folder", "file", "link"))
    folder.mkdir()
    (folder / "mine").write_text("kept")
    file.write_text("kept")
    link.symlink_to(folder)
    with pytest.raises(IsADirectoryError), replacing(folder) as beside:
        beside.write_text("new")
    for path in (file, link):
        with pytest.raises(NotADirectoryError), replacing(path) as beside:
            beside.mkdir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "link"]
    assert (folder / "mine").read_text() == file.read_text() == "kept"
    # A file takes the place of the link, not of what it leads to.
    with replacing(link) as beside:
        beside.write_text("new")
    assert not link.is_symlink() and (folder / "mine").read_text() == "kept"


@pytest.mark.parametrize("name", ["x" * 251 + ".csv", "ж" * 125 + ".csv", "ж" * 97 + ".json"])
def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path, name: str) -> None:
    with replacing(tmp_path / name) as one, replacing(tmp_path / f"{name[:-1]}w") as other:
        one.write_text("one")
        other.write_text("other")
    assert (tmp_path / name).read_text() == "one" and len(list(tmp_path.iterdir())) == 2


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


@pytest.mark.parametrize("name", ["file/below", "folder", "x" * 300])
def test_a_path_that_cannot_be_used_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as stop:
        run_command(lambda: (tmp_path / name).write_text("x"))
    assert str(stop.value).startswith(f"error: {tmp_path / name}: ")
    assert "\n" not in str(stop.value)


def test_output_that_nobody_reads_to_its_end_is_no_error() -> None:
    code = """
from src.core.errors import run_command
def main():
    for n in range(100_000):
        print(n)
run_command(main)
"""
    done = subprocess.run(
        [f"{sys.executable} -c '{code}' | head -n 1; echo ${{PIPESTATUS[0]}}"],
        cwd=ROOT, shell=True, executable="/bin/bash", capture_output=True, text=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("0\n141\n", "")


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
