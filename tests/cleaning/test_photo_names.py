"""What a cell says about photos, in every way that people and programs write it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.cleaning.photo_names import common_folders, photo_cell, split_names

_JPEG = b"\xff\xd8\xff\xe0photo"


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), pd.NA, pd.NaT, "", "  ", "nan", "NaN", "None", "null", "N/A", "-", "[]",
     "{}", "[null]", '[""]', [], (), {}, b"", {"bytes": None, "path": None},
     {"bytes": b"", "path": ""}, [None, ""], np.array([]), "NULL", "(null)", "undefined", "—", ".",
     "#N/A", "н/д", "\u200b", ["n/a", "-nan"], '["undefined"]', {"path": "undefined"}, "'nan'"],
)  # fmt: skip
def test_no_photo(value: Any) -> None:
    assert not photo_cell(value)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (" a.jpg ", ("a.jpg",)),
        ('"a.jpg"', ("a.jpg",)),
        ("a.jpg;b.jpg", ("a.jpg;b.jpg",)),
        ('["a.jpg", "b.jpg"]', ("a.jpg", "b.jpg")),
        ("['a.jpg', 'b.jpg']", ("a.jpg", "b.jpg")),
        ("['a.jpg' 'b.jpg']", ("a.jpg", "b.jpg")),
        ("[a.jpg, b.jpg]", ("a.jpg", "b.jpg")),
        ("{a.jpg,b.jpg}", ("a.jpg", "b.jpg")),
        ('[{"path": "a.jpg"}, {"path": "b.jpg"}]', ("a.jpg", "b.jpg")),
        ('{"url": "a.jpg", "width": 640}', ("a.jpg",)),
        ('{"picture": "a.jpg"}', ("a.jpg",)),
        ({"path": "undefined", "url": "a.jpg"}, ("a.jpg",)),
        ("[1, 2]", ("1", "2")),
        (17, ("17",)),
        (17.0, ("17",)),
        (np.int64(17), ("17",)),
        (Decimal("17.0"), ("17",)),
        (["a.jpg", None, "b.jpg"], ("a.jpg", "b.jpg")),
        (np.array(["a.jpg", "b.jpg"], dtype=object), ("a.jpg", "b.jpg")),
        (b"images/a.jpg", ("images/a.jpg",)),
        ({"bytes": None, "path": "a.jpg"}, ("a.jpg",)),
    ],
)
def test_names(value: Any, names: tuple[str, ...]) -> None:
    cell = photo_cell(value)
    assert cell.names == names and cell.content is None and cell.photos == len(names)


@pytest.mark.parametrize(
    ("value", "photos"),
    [
        (_JPEG, 1),
        (bytearray(_JPEG), 1),
        ({"bytes": _JPEG, "path": "a.jpg"}, 1),
        ({"bytes": _JPEG, "path": None}, 1),
        ([{"bytes": _JPEG, "path": None}, {"bytes": b"other", "path": None}], 2),
    ],
)
def test_a_cell_that_holds_the_photo(value: Any, photos: int) -> None:
    cell = photo_cell(value)
    assert cell.content == _JPEG and cell.photos == photos
    assert "photo" not in str(cell)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a.jpg;b.jpg", ("a.jpg", "b.jpg")),
        ("a.jpg ; b.jpg;", ("a.jpg", "b.jpg")),
        ("a.jpg, b.jpg", ("a.jpg", "b.jpg")),
        ("a.jpg|b.jpg", ("a.jpg", "b.jpg")),
        ("a.jpg\nb.jpg", ("a.jpg", "b.jpg")),
        ("a.jpg b.JPG", ("a.jpg", "b.JPG")),
        ("my chair.jpg", ("my chair.jpg",)),
        (";", (";",)),
        ("x" * 30_000 + ";b", ("x" * 30_000 + ";b",)),
    ],
)
def test_several_names_in_a_text(text: str, names: tuple[str, ...]) -> None:
    assert split_names(text) == names


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        (["images/a.jpg", "images/b.jpg"], ["images"]),
        (["images\\1\\a.jpg", "images/2/b.jpg;images/2/c.jpg", ""], ["images"]),
        (["https://x.y/i/a.jpg", "https://x.y/i/b.jpg"], ["https:", "x.y", "i"]),
        (["images/a.jpg", "b.jpg"], []),
        ([], None),
    ],
)
def test_folders_that_all_names_begin_with(names: list[str], folders: list[str] | None) -> None:
    assert common_folders(map(photo_cell, names)) == folders


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["bytes", "path", "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(_VALUES | st.text(alphabet="[]{}(),;|'\"\\/.ab ", max_size=30))
def test_any_cell_is_read(value: Any) -> None:
    cell = photo_cell(value)
    assert bool(cell) == bool(cell.names or cell.content is not None)
    assert all(name.strip() == name and name for name in cell.names)
    if isinstance(value, str) and not cell:
        assert not any(ending in value for ending in (".jpg", ".png"))


@pytest.mark.parametrize("text", ["[" * 19_999 + "]", "[" + '{"a":' * 3_000 + "]", "[" * 10**6])
def test_hostile_lists_cost_little(text: str) -> None:
    assert photo_cell(text).photos <= 50
