"""Predictions for a table of any length."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from src.cleaning.prices import PriceReader
from src.cleaning.tables.contents import PARQUET_SUFFIXES
from src.cleaning.tables.row import Row
from src.cleaning.tables.table import UserTable
from src.core.errors import UserError
from src.core.files import replacing
from src.predict.listings import BATCH_LISTINGS
from src.predict.long_tables import TableWriter
from src.predict.predictor import Predictor
from src.predict.read_table import (
    COLUMN_FIELDS,
    how_it_is_read,
    learn_table,
    photos_of,
    read_batches,
    table_positions,
)

# Told how many listings of a table are done, and of how many.
Tell = Callable[[int, int], None]


class TableCounts(NamedTuple):
    """Number of listings in all, without a prediction, and with a note."""

    listings: int
    unpredicted: int
    noted: int


def predict_table(
    predictor: Predictor,
    table: Path,
    photos: Path | str,
    out: Path,
    columns: Mapping[str, str],
    batch: int = BATCH_LISTINGS,
    *,
    chosen: Collection[str] = (),
    explain: bool = False,
    say: Callable[[str], None] | None = None,
    tell: Tell | None = None,
    metadata: Mapping[str, str] | None = None,
) -> TableCounts:
    """Predict every row of a CSV or Parquet file and write `out`, CSV or Parquet by its name.

    The result has one row per listing, in order: id, category, probability, used, note, error,
    p_<category> … What cannot be read of a listing is noted and the rest is used; a listing with
    nothing to predict from, or whose row cannot be read, has no category and an error.

    Args:
        photos: the folder that the paths of photos start at, or its address in a bucket.
        columns: the table's column for id, title, text, price and photo; '', or a column that
            the table lacks, for none.
        chosen: fields whose column the table must have.
        explain: add the columns of `explained_columns`, before p_<category>.
        say: gets a line on how the table is read; None for standard error.
        tell: gets how far it is; None for a progress bar.
        metadata: what a result in Parquet says of itself.

    Raises:
        UserError: a file is missing or cannot be read, or the table has none of the columns or
            lacks a chosen one.
    """
    if out.suffix.lower() not in (".csv", *PARQUET_SUFFIXES):
        raise UserError(f"{out}: expected a name that ends in .csv or .parquet")
    source = UserTable(table, [name for name in columns.values() if name])
    positions = table_positions(source, columns, chosen)
    folder, prices = photos_of(photos, positions), PriceReader()
    total = learn_table(source, positions, folder, prices)
    if not total:
        raise UserError(f"{table} has no rows; expected at least one listing")
    how = how_it_is_read(source, columns, positions, prices)
    say(how) if say else print(how, file=sys.stderr)
    done = unpredicted = noted = 0
    texts: tuple[str, ...] = ("id", "category", "used", "note", "error")
    if explain:
        # Here, and not above: answers without reasons would wait for it.
        from src.predict.explain.shown import TEXTS, explained_columns

        texts += TEXTS
    with (
        replacing(out) as beside,
        TableWriter(beside, out.suffix.lower() in PARQUET_SUFFIXES, texts, metadata) as writer,
        folder,
        # The last digits of a product of matrices depend on how many threads it is cut for; so
        # answers are those of a worker of Ray, and of a machine of any size.
        threadpool_limits(1),
        tqdm(total=total, desc="listings", unit="listing", disable=True if tell else None) as bar,
    ):
        pixels = predictor.info.photo_pixels
        for rows, ids, _, read in read_batches(source, positions, folder, prices, pixels, batch):
            scored = predictor.score(read.table, read.photos)
            result = predictor.predict_scored(scored, read.notes).table()
            if explain:
                why = explained_columns(predictor, scored)
                at = list(result.columns).index("error") + 1
                result = pd.concat([result.iloc[:, :at], why, result.iloc[:, at:]], axis=1)
            result.insert(0, "id", ids)
            _tell_faults(result, rows)
            writer.write(result)
            done += len(rows)
            unpredicted += int((result["error"] != "").sum())
            noted += int((result["note"] != "").sum())
            bar.update(len(rows))
            if tell:
                tell(done, total)
    return TableCounts(done, unpredicted, noted)


def chosen_columns(
    columns: Mapping[str, str], given: Sequence[str]
) -> tuple[dict[str, str], set[str]]:
    """Return the columns with those that a user names, and the fields of the latter.

    Args:
        columns: the table's column for each field.
        given: as FIELD=NAME.

    Raises:
        UserError: one is not FIELD=NAME, or there is no such field.
    """
    named, chosen = dict(columns), set()
    fields = [field for field in COLUMN_FIELDS if field in columns]
    for text in given:
        field, equals, name = text.partition("=")
        if not equals or field not in fields:
            raise UserError(
                f"--column {text}: expected FIELD=NAME, where FIELD is one of {', '.join(fields)}"
            )
        named[field] = name
        chosen.add(field)
    return named, chosen


def _tell_faults(result: pd.DataFrame, rows: Sequence[Row]) -> None:
    """Write into the results of a batch why a row of the table could not be read."""
    result["error"] = [
        f"{row.fault} ({row.where})" if row.fault else error
        for row, error in zip(rows, result["error"], strict=True)
    ]
    result["note"] = [
        "; ".join(filter(None, (note, f"{row.note} ({row.where})" if row.note else "")))
        for row, note in zip(rows, result["note"], strict=True)
    ]
