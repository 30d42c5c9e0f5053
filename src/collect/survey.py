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
from src.cleaning.ids import read_id
from src.cleaning.tables.table import UserTable

# Names of categories that are kept for comparison; a table with more has another fault.
_MOST_CATEGORIES = 10_000


class Survey(NamedTuple):
    """What the rows of a table have in common.

    Attributes:
        rows: the number of rows, those that cannot be used included.
        repeated: hashes of ids that occur more than once, and perhaps of a few others.
        without_split: the number of rows with a category and no split.
        with_split: the number of rows with both.
        alike: groups of names of categories that differ only in case or look-alike letters.
    """

    rows: int
    repeated: frozenset[int]
    without_split: int
    with_split: int
    alike: list[list[str]]


def survey(table: UserTable, positions: Mapping[str, int]) -> Survey:
    """Read all rows once; `positions` are those of the fields, `category` among them."""
    asked = {field: positions[field] for field in ("id", "category", "split") if field in positions}
    exact = table.exact_up_to(positions["id"]) if "id" in positions else None
    hashes = array("q")
    categories: Counter[str] = Counter()
    rows = without_split = with_split = 0
    for row in tqdm(table.rows(asked), desc="first pass", unit="row", disable=None):
        rows += 1
        if row.fault:
            continue
        if "id" in row.cells:
            hashes.append(hash(read_id(row.cells["id"], exact).value))
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
    return Survey(rows, repeated, without_split, with_split, alike)
