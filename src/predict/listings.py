"""Predictions for listings as users give them: cells are cleaned, photos read and decoded."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.cleaning.cells import as_text, present
from src.cleaning.photo_names import photo_cell
from src.cleaning.picture import MAX_BYTES, TOO_LARGE, decode
from src.cleaning.prices import PriceReader
from src.cleaning.redact import redact
from src.core.parallel import in_order
from src.predict.predictor import ListingPredictions, Predictor

FIELDS = ("title", "text", "price", "photo")
# Listings predicted at once; longer tables are predicted in batches.
BATCH_LISTINGS = 256
_NOT_BASE64 = "not base64"
_FROM_URL = str.maketrans("-_", "+/")

# Returns the bytes of the photo that a cell names or holds; raises ValueError with the reason.
PhotoReader = Callable[[Any], bytes]


class ReadListings(NamedTuple):
    """N listings as `Predictor.predict` wants them: its arguments."""

    table: pd.DataFrame
    photos: list[NDArray[np.uint8] | None]
    notes: list[str]


def predict_listings(
    predictor: Predictor,
    cells: pd.DataFrame,
    read_bytes: PhotoReader,
    prices: PriceReader | None = None,
) -> ListingPredictions:
    """Predict the categories of the listings in a table of raw cells, read by `read_cells`."""
    return predictor.predict(*read_cells(cells, read_bytes, predictor.info.photo_pixels, prices))


def read_cells(
    cells: pd.DataFrame,
    read_bytes: PhotoReader,
    pixels: int,
    prices: PriceReader | None = None,
    threads: int | None = None,
) -> ReadListings:
    """Read the listings in a table of raw cells.

    What cannot be read of a listing is left out and noted.

    Args:
        cells: any of the columns FIELDS, as text or numbers, photos also as bytes or structs with
            bytes; other columns are ignored.
        read_bytes: turns a cell of `photo` into the bytes of the photo.
        pixels: side of the photos that the image model reads.
        prices: the reader of the column that the prices are part of; None: each stands alone,
            whatever other listings are in the request.
        threads: how many photos are read at once; None for one per processor.
    """
    given = {name: as_text(cells[name]) for name in ("title", "text") if name in cells}
    empty = pd.Series("", index=cells.index, dtype=object)
    title, text = (given.get(name, empty).map(present) for name in ("title", "text"))
    # A number stays one: as text, 1.125 could be a thousand.
    price = cells.get("price", empty).astype(object).tolist()
    read = [(prices or PriceReader([cell])).read(cell) for cell in price]
    table = pd.DataFrame(
        {
            "title": title.map(redact),
            "text": text.map(redact),
            "price": np.array([value for value, _ in read], dtype=float),
        }
    )
    photo = cells.get("photo", empty).tolist()
    photos = list(in_order(partial(_decode_cell, read_bytes, pixels), photo, threads))
    notes = [
        "; ".join(filter(None, (of_price, of_photo)))
        for (_, of_price), (_, of_photo) in zip(read, photos, strict=True)
    ]
    return ReadListings(table, [image for image, _ in photos], notes)


def photo_from_base64(cell: Any) -> bytes:
    """Decode a photo in base64, with or without `data:image/…;base64,` before it.

    Line breaks, the alphabet for URLs and missing `=` at the end are allowed. Raises ValueError
    for anything else, of whatever type it is.
    """
    if not isinstance(cell, str):
        raise ValueError(_NOT_BASE64)
    if cell[:5].lower() == "data:":
        cell = cell.partition(",")[2]
    cell = "".join(cell.split()).translate(_FROM_URL).rstrip("=")
    # Four letters hold three bytes, so the size is known before anything is decoded.
    if len(cell) * 3 // 4 > MAX_BYTES:
        raise ValueError(TOO_LARGE)
    try:
        return base64.b64decode(cell + "=" * (-len(cell) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(_NOT_BASE64) from error


def _decode_cell(
    read_bytes: PhotoReader, pixels: int, cell: Any
) -> tuple[NDArray[np.uint8] | None, str]:
    """Return the photo [S, S, 3] that a cell names, or None, and why it cannot be used."""
    try:
        if not photo_cell(cell):
            return None, ""
        content = read_bytes(cell.strip() if isinstance(cell, str) else cell)
        return np.asarray(decode(content, pixels)), ""
    except ValueError as error:
        return None, f"photo: {error}"
    except RecursionError:
        return None, "photo: lists in lists, too many"
