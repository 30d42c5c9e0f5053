"""Predictions for a table of any length: batch by batch, so that memory does not grow with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from tqdm import tqdm

from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.photo_names import photo_cell
from src.cleaning.tables import PARQUET, as_text, is_parquet
from src.core.errors import UserError
from src.core.files import replacing
from src.predict.listings import (
    BATCH_LISTINGS,
    FIELDS,
    predict_listings,
    rename_columns,
)
from src.predict.long_tables import TableWriter, read_batches, read_layout
from src.predict.predictor import Predictor


class TableCounts(NamedTuple):
    """Number of listings in all, without a prediction, and with a note."""

    listings: int
    unpredicted: int
    noted: int


def predict_table(
    predictor: Predictor,
    table: Path,
    photos: Path,
    out: Path,
    columns: Mapping[str, str],
    batch: int = BATCH_LISTINGS,
) -> TableCounts:
    """Predict every row of a CSV or Parquet file and write `out`, CSV or Parquet by its name.

    The result has one row per listing, in order: id, category, probability, used, note, error,
    p_<category> … What cannot be read of a listing is noted and the rest is used; a listing with
    nothing to predict from has no category and an error.

    Args:
        photos: the folder that the paths of photos start at.
        columns: the table's column for id, title, text, price and photo; '', or a column that
            the table lacks, for none.

    Raises:
        UserError: a file is missing or cannot be read, or the table has none of the columns.
    """
    if out.suffix.lower() not in (".csv", *PARQUET):
        raise UserError(f"{out}: expected a name that ends in .csv or .parquet")
    total, names = read_layout(table)
    _require_listings(table, total, names, columns)
    if columns.get("photo") in names and not photos.is_dir():
        raise UserError(f"{photos} is not a folder of photos; give one with --photos")
    done = unpredicted = noted = 0
    texts = ("id", "category", "used", "note", "error")
    with (
        replacing(out) as beside,
        TableWriter(beside, is_parquet(out), texts) as writer,
        PhotoFolder(photos) as folder,
        tqdm(total=total, desc="listings", unit="listing", disable=None) as bar,
    ):
        for cells in read_batches(table, batch):
            renamed = rename_columns(cells, columns)
            folder.learn(map(photo_cell, renamed.get("photo", ())))
            result = predict_listings(predictor, renamed, folder.read).table()
            result.insert(0, "id", _ids(cells, columns, done))
            writer.write(result)
            done += len(cells)
            unpredicted += int((result["error"] != "").sum())
            noted += int((result["note"] != "").sum())
            bar.update(len(cells))
    return TableCounts(done, unpredicted, noted)


def _require_listings(
    table: Path, total: int, names: list[str], columns: Mapping[str, str]
) -> None:
    if not total:
        raise UserError(f"{table} has no rows; expected at least one listing")
    if not any(columns.get(field) in names for field in FIELDS):
        wanted = ", ".join(columns[field] for field in FIELDS if columns.get(field))
        raise UserError(
            f"{table} has none of the columns {wanted}; it has {', '.join(names)}: name yours "
            "with --column, e.g. --column title=name"
        )


def _ids(cells: pd.DataFrame, columns: Mapping[str, str], before: int) -> list[str]:
    name = columns.get("id")
    if name and name in cells:
        return as_text(cells[name]).tolist()
    return [f"row-{before + n}" for n in range(1, len(cells) + 1)]
