"""Predictions for listings as users give them: cells are cleaned, photos read and decoded."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.cleaning.picture import MAX_BYTES, TOO_LARGE, UNREADABLE, decode, read_photo
from src.cleaning.prices import PriceReader
from src.cleaning.redact import redact
from src.cleaning.tables.cells import as_text
from src.core.parallel import in_order
from src.predict.predictor import ListingPredictions, Predictor

FIELDS = ("title", "text", "price", "photo")
# Listings predicted at once; longer tables are predicted in batches.
BATCH_LISTINGS = 256
_OUTSIDE = "the file is outside the folder of photos"
_NOT_BASE64 = "not base64"

# Returns the bytes of the photo that a cell names; raises ValueError with the reason.
PhotoReader = Callable[[str], bytes]


def predict_listings(
    predictor: Predictor,
    cells: pd.DataFrame,
    read_bytes: PhotoReader,
    prices: PriceReader | None = None,
) -> ListingPredictions:
    """Predict the categories of the listings in a table of raw cells.

    What cannot be read of a listing is left out and noted.

    Args:
        cells: any of the columns FIELDS, as text or numbers; other columns are ignored.
        read_bytes: turns a cell of `photo` into the bytes of the photo.
        prices: the reader of a longer table's prices, of which these are a part.
    """
    texts = ("title", "text", "photo")
    given = {name: as_text(cells[name]) for name in texts if name in cells}
    empty = pd.Series("", index=cells.index, dtype=object)
    title, text, photo = (given.get(name, empty).str.strip() for name in texts)
    price = cells.get("price", empty).astype(object).tolist()
    reader = prices or PriceReader(price)
    read = [reader.read(cell) for cell in price]
    table = pd.DataFrame(
        {
            "title": title.map(redact),
            "text": text.map(redact),
            "price": np.array([value for value, _ in read], dtype=float),
        }
    )
    pixels = predictor.info.photo_pixels
    photos = list(in_order(partial(_decode_cell, read_bytes, pixels), photo.tolist()))
    notes = [
        "; ".join(filter(None, (of_price, of_photo)))
        for (_, of_price), (_, of_photo) in zip(read, photos, strict=True)
    ]
    return predictor.predict(table, [image for image, _ in photos], notes)


def photos_in_folder(folder: Path) -> PhotoReader:
    """Return a reader of photos by their paths in a folder; links may not lead out of it."""
    return partial(_read_inside, folder.resolve())


def photo_from_base64(cell: str) -> bytes:
    """Decode a photo in base64, with or without `data:image/…;base64,` before it."""
    if cell.startswith("data:"):
        cell = cell.partition(",")[2]
    # Four letters hold three bytes, so the size is known before anything is decoded.
    if len(cell) * 3 // 4 > MAX_BYTES:
        raise ValueError(TOO_LARGE)
    try:
        return base64.b64decode(cell, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(_NOT_BASE64) from error


def _read_inside(folder: Path, name: str) -> bytes:
    try:
        path = (folder / name).resolve()
    except (OSError, RuntimeError) as error:
        raise ValueError(UNREADABLE) from error
    if not path.is_relative_to(folder):
        raise ValueError(_OUTSIDE)
    return read_photo(path)


def _decode_cell(
    read_bytes: PhotoReader, pixels: int, cell: str
) -> tuple[NDArray[np.uint8] | None, str]:
    """Return the photo [S, S, 3] that a cell names, or None, and why it cannot be used."""
    if not cell:
        return None, ""
    try:
        return np.asarray(decode(read_bytes(cell), pixels)), ""
    except ValueError as error:
        return None, f"photo: {error}"
