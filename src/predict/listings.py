"""Listings as they are given, brought to what a Predictor reads, with notes on what cannot be."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.cleaning.picture import MAX_BYTES, TOO_LARGE, UNREADABLE, decode, read_photo
from src.cleaning.prices import read_price
from src.cleaning.redact import redact
from src.core.parallel import in_order
from src.core.tables import as_text
from src.predict.predictor import Answers, Predictor

FIELDS = ("title", "text", "price", "photo")
OUTSIDE = "the file is outside the folder of photos"
NO_BASE64 = "not base64"

# Reads the bytes of the photo that a cell names; raises ValueError with the reason.
Reader = Callable[[str], bytes]


class Answered(NamedTuple):
    """Answers for a batch, and of each listing what could not be read, empty where nothing."""

    answers: Answers
    notes: list[str]


def answer(predictor: Predictor, cells: pd.DataFrame, reader: Reader) -> Answered:
    """Answer the listings of a table of raw cells.

    Args:
        cells: any of the columns of FIELDS, as text or numbers; others are not looked at.
        reader: how a cell of `photo` becomes a photo's bytes.
    """
    given = {name: as_text(cells[name]) for name in FIELDS if name in cells}
    empty = pd.Series("", index=cells.index, dtype=object)
    title, text, price, photo = (given.get(name, empty).str.strip() for name in FIELDS)
    prices = [read_price(cell) for cell in price]
    table = pd.DataFrame(
        {
            "title": title.map(redact),
            "text": text.map(redact),
            "price": np.array([number for number, _ in prices], dtype=float),
        }
    )
    photos = _decoded(photo.tolist(), reader, predictor.photo_size)
    notes = [
        "; ".join(filter(None, (of_price, of_photo)))
        for (_, of_price), (_, of_photo) in zip(prices, photos, strict=True)
    ]
    return Answered(predictor.predict(table, [pixels for pixels, _ in photos]), notes)


def in_folder(folder: Path) -> Reader:
    """Return a reader of photos by their paths in a folder; a link may not lead out of it."""
    return partial(_read_inside, folder.resolve())


def from_base64(cell: str) -> bytes:
    """Decode a photo in base64, with or without `data:image/…;base64,` before it."""
    if cell.startswith("data:"):
        cell = cell.partition(",")[2]
    # Four letters hold three bytes, so this is known before anything is decoded.
    if len(cell) * 3 // 4 > MAX_BYTES:
        raise ValueError(TOO_LARGE)
    try:
        return base64.b64decode(cell, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(NO_BASE64) from error


def renamed(cells: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return the columns of a user's table under our names; those it lacks are absent."""
    there = {field: name for field, name in columns.items() if name and name in cells}
    return pd.DataFrame({field: cells[name] for field, name in there.items()}, index=cells.index)


def _read_inside(folder: Path, name: str) -> bytes:
    try:
        path = (folder / name).resolve()
    except (OSError, RuntimeError) as error:
        raise ValueError(UNREADABLE) from error
    if not path.is_relative_to(folder):
        raise ValueError(OUTSIDE)
    return read_photo(path)


def _decoded(
    cells: Sequence[str], reader: Reader, size: int
) -> list[tuple[NDArray[np.uint8] | None, str]]:
    def one(cell: str) -> tuple[NDArray[np.uint8] | None, str]:
        if not cell:
            return None, ""
        try:
            return np.asarray(decode(reader(cell), size)), ""
        except ValueError as error:
            return None, f"photo: {error}"

    return list(in_order(one, cells))
