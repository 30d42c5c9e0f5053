"""Cells of listings on their way to the predictor: photos under every name, or in the cell."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from src.cleaning.photo_folder import PhotoFolder
from src.predict.listings import photo_from_base64, predict_listings


class _Told:
    """A predictor that only keeps what it is given."""

    info = SimpleNamespace(photo_pixels=16)

    def predict(self, table: pd.DataFrame, photos: list[Any], notes: list[str]) -> Any:
        return SimpleNamespace(photos=photos, notes=notes)


def _photo() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (20, 20), "red").save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("cell", "note"),
    [
        ("a.jpg", ""), (" A ", ""), ("images\\a.JPG", ""), ("a.jpg;b.jpg", ""),
        ({"bytes": _photo(), "path": None}, ""), (_photo(), ""), (["a.jpg"], ""),
        ("gone.jpg", "photo: not in the folder"), ("../a.jpg", "photo: outside the folder"),
        (_photo()[:400], "photo: broken or truncated"),
    ],
)  # fmt: skip
def test_photos_of_a_table(tmp_path: Path, cell: Any, note: str) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(_photo())
    cells = pd.DataFrame({"photo": pd.Series([cell], dtype=object)})
    found: Any = predict_listings(_Told(), cells, PhotoFolder(folder).read)  # type: ignore[arg-type]
    assert found.notes == [note]
    assert [photo is not None for photo in found.photos] == [not note]


@pytest.mark.parametrize("cell", ["", " ", None, float("nan"), "nan"])
def test_no_photo_is_no_note(cell: Any) -> None:
    cells = pd.DataFrame({"photo": pd.Series([cell], dtype=object), "title": ["x"]})
    found: Any = predict_listings(_Told(), cells, photo_from_base64)  # type: ignore[arg-type]
    assert (found.notes, found.photos) == ([""], [None])
