"""The tables of listings: their columns, checked whenever a table is read or written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray

from src.core.errors import UserError
from src.core.files import replacing
from src.core.wording import count_of

SPLITS = ("train", "val", "test")

_ID = pa.Column(str, pa.Check.str_matches(r"^[0-9A-Za-z_-]{1,64}$"), unique=True)
_PRICE = pa.Column(float, pa.Check.in_range(0, 1e12), nullable=True)
_CATEGORY = pa.Column(str, pa.Check.str_length(1, 200))
# The day the listing was posted, YYYY-MM-DD; missing where the source does not tell.
_LISTED = pa.Column(str, pa.Check.str_matches(r"^\d{4}-\d{2}-\d{2}$"), nullable=True)

RAW = pa.DataFrameSchema(
    {
        "id": _ID,
        "title": pa.Column(str),
        "text": pa.Column(str),
        "price": _PRICE,
        "category": _CATEGORY,
        # A path relative to the photo folder; missing where the listing has no photo.
        "photo": pa.Column(str, pa.Check.str_matches(r"^(?!/)(?!.*\.\.)[^\\]+$"), nullable=True),
        # A salted hash, used only to group listings.
        "seller": pa.Column(str, nullable=True),
        # Set where the user's own table fixes the split; then present for every listing.
        "split": pa.Column(str, pa.Check.isin(SPLITS), nullable=True),
        "listed": _LISTED,
    },
    strict=True,
    coerce=True,
)

PREPARED = pa.DataFrameSchema(
    {
        "id": _ID,
        "title": pa.Column(str),
        "text": pa.Column(str),
        # Lower-case words without punctuation and stop words, joined by single spaces.
        "title_words": pa.Column(str),
        "text_words": pa.Column(str),
        "price": _PRICE,
        "category": _CATEGORY,
        # The position in the packed photo array; -1 without a readable photo.
        "photo_row": pa.Column("int64", pa.Check.ge(-1)),
        # Near-duplicates, and by `prepare.group_by: seller` all listings of a seller, share one
        # group and never cross splits or folds.
        "group": pa.Column(str),
        "split": pa.Column(str, pa.Check.isin(SPLITS)),
        # The fold in cross-validation, from 0, with `split` as in round 0; -1 without it.
        "fold": pa.Column("int64", pa.Check.ge(-1)),
        "listed": _LISTED,
    },
    strict=True,
    coerce=True,
)


def read_listings(path: Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Read a Parquet table of listings and check it; raises UserError as `check_listings` does."""
    return check_listings(pd.read_parquet(path), schema, str(path))


def write_listings(table: pd.DataFrame, path: Path, schema: pa.DataFrameSchema) -> None:
    """Check a table of listings and write it as Parquet; raises UserError for a fault."""
    checked = check_listings(table, schema, str(path))
    with replacing(path) as temporary:
        checked.to_parquet(temporary, index=False)


def check_listings(table: pd.DataFrame, schema: pa.DataFrameSchema, name: str) -> pd.DataFrame:
    """Return the table with the schema's columns and types.

    Raises:
        UserError: a value does not fit, named with its column, or near-duplicates cross splits.
    """
    try:
        checked = schema.validate(table[[c for c in schema.columns if c in table]], lazy=True)
    except pa.errors.SchemaErrors as error:
        first = error.failure_cases.iloc[0]
        raise UserError(
            f"{name}: column {first['column']!r} fails {first['check']!r} "
            f"at row {first['index']} with {first['failure_case']!r} "
            f"({count_of(len(error.failure_cases), 'fault')} in total)"
        ) from error
    if "group" in checked:
        _require_whole_groups(checked, name)
    return checked


def labels_of(table: pd.DataFrame) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return the sorted names of the classes, [C], and each listing's index into them, [N]."""
    classes, labels = np.unique(table["category"].to_numpy(dtype=str), return_inverse=True)
    return classes, labels.astype(np.int64)


def pairs_within(sizes: pd.Series) -> int:
    """Return how many pairs of listings lie in groups of these sizes."""
    return int((sizes * (sizes - 1) // 2).sum())


def _require_whole_groups(table: pd.DataFrame, name: str) -> None:
    by_group = table.groupby("group")
    crossing = (by_group["split"].transform("nunique") > 1) | (
        by_group["fold"].transform("nunique") > 1
    )
    if crossing.any():
        group = table.loc[crossing, "group"].iloc[0]
        ids = table.loc[table["group"] == group, "id"]
        raise UserError(
            f"{name}: listings {' and '.join(ids[:5])} are of one group in different splits or "
            f"folds ({count_of(int(crossing.sum()), 'listing')} in total); expected each group in "
            "one: run the prepare stage again"
        )
