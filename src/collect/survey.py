"""The first pass over a user's table: what only all its rows together tell."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from src.cleaning.categories import nearly_equal, read_category
from src.cleaning.cells import is_missing
from src.cleaning.dates import DateReader
from src.cleaning.ids import read_id
from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.photo_names import photo_cell
from src.cleaning.prices import PriceReader
from src.cleaning.tables.row import RAW_FIELDS
from src.cleaning.tables.table import UserTable

# Names of categories that are kept for comparison; a table with more has another fault.
_MOST_CATEGORIES = 10_000
_ASKED = ("id", "category", "split", "price", "listed", "photo")


class Survey(NamedTuple):
    """What the rows of a table have in common.

    Attributes:
        rows: the number of rows, those that cannot be used included.
        repeated: hashes of ids that occur more than once, and perhaps of a few others.
        without_split: the number of rows with a category and no split.
        with_split: the number of rows with both.
        alike: groups of names of categories that differ only in case or look-alike letters.
        prices: has learned from all prices.
        dates: has learned from all dates.
        holds_photos: the cells hold the photos themselves, and none names a file.
    """

    rows: int
    repeated: frozenset[int]
    without_split: int
    with_split: int
    alike: list[list[str]]
    prices: PriceReader
    dates: DateReader
    holds_photos: bool


def survey(
    table: UserTable, positions: Mapping[str, int], exact: int | None, folder: PhotoFolder
) -> Survey:
    """Read all rows once.

    Args:
        positions: of the fields, `category` among them.
        exact: the largest integer that the column of ids holds exactly, if it is of floats.
        folder: learns from all names of photos.
    """
    asked = {field: positions[field] for field in _ASKED if field in positions}
    prices, dates = PriceReader(), DateReader()
    held = named = False
    hashes = array("q")
    categories: Counter[str] = Counter()
    rows = without_split = with_split = 0
    for row in tqdm(table.rows(asked, raw=RAW_FIELDS), desc="first pass", unit="row", disable=None):
        rows += 1
        if row.fault:
            continue
        if "id" in row.cells:
            hashes.append(hash(read_id(row.cells["id"], exact).value))
        if "price" in row.cells:
            prices.learn([row.cells["price"]])
        if "listed" in row.cells:
            dates.learn([row.cells["listed"]])
        if photo := photo_cell(row.cells.get("photo")):
            folder.learn([photo])
            held, named = held or photo.content is not None, named or photo.content is None
        category = read_category(row.cells["category"])
        if category.problem:
            continue
        if len(categories) < _MOST_CATEGORIES or category.value in categories:
            categories[category.value] += 1
        if "split" in row.cells:
            missing = is_missing(row.cells["split"].strip())
            without_split += missing
            with_split += not missing
    values, counts = np.unique(np.asarray(hashes, dtype=np.int64), return_counts=True)
    alike = [
        [f"{name} ({categories[name]})" for name in group] for group in nearly_equal(categories)
    ]
    repeated = frozenset(values[counts > 1].tolist())
    holds_photos = held and not named
    return Survey(rows, repeated, without_split, with_split, alike, prices, dates, holds_photos)
