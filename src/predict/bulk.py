"""A table of listings in, a table of categories out: batch by batch, so memory stays flat."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from tqdm import tqdm

from src.core.errors import UserError
from src.core.files import replacing
from src.core.tables import PARQUET, as_text, is_parquet
from src.predict.listings import FIELDS, answer, in_folder, renamed
from src.predict.predictor import Predictor
from src.predict.tables import Writer, pieces, shape

BATCH = 256


class Counts(NamedTuple):
    """Listings in all, those without an answer, those of which something could not be read."""

    listings: int
    unanswered: int
    noted: int


def predict_table(
    predictor: Predictor,
    table: Path,
    photos: Path,
    out: Path,
    columns: Mapping[str, str],
    batch: int = BATCH,
) -> Counts:
    """Answer every row of a CSV or Parquet file and write `out`, CSV or Parquet by its ending.

    A row per listing, in order: id, category, probability, used, note, error, p_<category> …
    What cannot be read of a listing is noted and the rest used; a listing with nothing to go by
    has no category and an error.

    Args:
        photos: the folder that the paths of photos start at.
        columns: the table's column for id, title, text, price and photo; empty, or not in the
            table, where there is none.

    Raises:
        UserError: a file that is not there or cannot be read, or no column to go by.
    """
    if out.suffix.lower() not in (".csv", *PARQUET):
        raise UserError(f"{out}: expected a name that ends in .csv or .parquet")
    total, there = shape(table)
    _require_some(table, total, there, columns)
    if columns.get("photo") in there and not photos.is_dir():
        raise UserError(f"{photos} is no folder of photos; give one with --photos")
    done = unanswered = noted = 0
    with (
        replacing(out) as beside,
        Writer(beside, is_parquet(out), ("id", "category", "used", "note", "error")) as writer,
        tqdm(total=total, desc="listings", unit="listing", disable=None) as bar,
    ):
        for piece in pieces(table, batch):
            answers, notes = answer(predictor, renamed(piece, columns), in_folder(photos))
            result = answers.table(notes)
            result.insert(0, "id", _ids(piece, columns, done))
            writer.write(result)
            done += len(piece)
            unanswered += int((result["error"] != "").sum())
            noted += int((result["note"] != "").sum())
            bar.update(len(piece))
    return Counts(done, unanswered, noted)


def _require_some(table: Path, total: int, there: list[str], columns: Mapping[str, str]) -> None:
    if not total:
        raise UserError(f"{table} holds no listings")
    if not any(columns.get(field) in there for field in FIELDS):
        wanted = ", ".join(columns[field] for field in FIELDS if columns.get(field))
        raise UserError(
            f"{table} has no column {wanted}; it has: {', '.join(there)}: say which is which "
            "with --column, e.g. --column title=name"
        )


def _ids(piece: pd.DataFrame, columns: Mapping[str, str], before: int) -> list[str]:
    name = columns.get("id")
    if name and name in piece:
        return as_text(piece[name]).tolist()
    return [f"row-{before + n}" for n in range(1, len(piece) + 1)]
