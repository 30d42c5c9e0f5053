"""Predictions for a table of any length: batch by batch, so that memory does not grow with it."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from tqdm import tqdm

from src.cleaning.cells import as_text
from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.photo_names import photo_cell
from src.cleaning.prices import PriceReader
from src.cleaning.tables.contents import PARQUET_SUFFIXES
from src.cleaning.tables.row import RAW_FIELDS, Row
from src.cleaning.tables.table import UserTable
from src.core.errors import UserError
from src.core.files import replacing
from src.predict.explain.shown import TEXTS as WHY_TEXTS
from src.predict.explain.shown import explained_columns
from src.predict.listings import BATCH_LISTINGS, FIELDS, read_cells
from src.predict.long_tables import TableWriter
from src.predict.predictor import Predictor

# What a table may have a column for.
_FIELDS = ("id", *FIELDS, "category")


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
    *,
    chosen: Collection[str] = (),
    explain: bool = False,
) -> TableCounts:
    """Predict every row of a CSV or Parquet file and write `out`, CSV or Parquet by its name.

    The result has one row per listing, in order: id, category, probability, used, note, error,
    p_<category> … What cannot be read of a listing is noted and the rest is used; a listing with
    nothing to predict from, or whose row cannot be read, has no category and an error.

    Args:
        photos: the folder that the paths of photos start at.
        columns: the table's column for id, title, text, price and photo; '', or a column that
            the table lacks, for none.
        chosen: fields whose column the table must have.
        explain: add the columns of `explained_columns`, before p_<category>.

    Raises:
        UserError: a file is missing or cannot be read, or the table has none of the columns or
            lacks a chosen one.
    """
    if out.suffix.lower() not in (".csv", *PARQUET_SUFFIXES):
        raise UserError(f"{out}: expected a name that ends in .csv or .parquet")
    source = UserTable(table, [name for name in columns.values() if name])
    positions = table_positions(source, columns, chosen)
    if "photo" in positions and not photos.is_dir():
        raise UserError(f"{photos} is not a folder of photos; give one with --photos")
    folder, prices = PhotoFolder(photos), PriceReader()
    total = learn_table(source, positions, folder, prices)
    if not total:
        raise UserError(f"{table} has no rows; expected at least one listing")
    print(how_it_is_read(source, columns, positions, prices), file=sys.stderr)
    done = unpredicted = noted = 0
    texts = ("id", "category", "used", "note", "error", *(WHY_TEXTS if explain else ()))
    with (
        replacing(out) as beside,
        TableWriter(beside, out.suffix.lower() in PARQUET_SUFFIXES, texts) as writer,
        folder,
        tqdm(total=total, desc="listings", unit="listing", disable=None) as bar,
    ):
        source_rows = source.rows(positions, raw=RAW_FIELDS)
        while rows := list(islice(source_rows, batch)):
            cells = pd.DataFrame([row.cells for row in rows], columns=list(positions), dtype=object)
            given = cells.drop(columns="id", errors="ignore")
            read = read_cells(given, folder.read, predictor.info.photo_pixels, prices)
            scored = predictor.score(read.table, read.photos)
            result = predictor.predict_scored(scored, read.notes).table()
            if explain:
                why = explained_columns(predictor, scored)
                at = list(result.columns).index("error") + 1
                result = pd.concat([result.iloc[:, :at], why, result.iloc[:, at:]], axis=1)
            result.insert(0, "id", _ids(cells, done))
            _tell_faults(result, rows)
            writer.write(result)
            done += len(rows)
            unpredicted += int((result["error"] != "").sum())
            noted += int((result["note"] != "").sum())
            bar.update(len(rows))
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
    fields = [field for field in _FIELDS if field in columns]
    for text in given:
        field, equals, name = text.partition("=")
        if not equals or field not in fields:
            raise UserError(
                f"--column {text}: expected FIELD=NAME, where FIELD is one of {', '.join(fields)}"
            )
        named[field] = name
        chosen.add(field)
    return named, chosen


def table_positions(
    table: UserTable, columns: Mapping[str, str], chosen: Collection[str]
) -> dict[str, int]:
    """Return where each field is; those that the table lacks have no place unless chosen.

    Raises:
        UserError: the table lacks a chosen column, or has nothing to predict from.
    """
    known = [(field, name) for field, name in columns.items() if field in _FIELDS]
    positions, lacking = table.positions(known)
    for field, name in lacking.items():
        if field in chosen:
            raise UserError(
                f"--column {field}={name}: {table.path} has no column {name!r}; it has "
                f"{', '.join(table.columns)}: name yours with --column {field}=NAME"
            )
    if not any(field in positions for field in FIELDS):
        wanted = ", ".join(columns[field] for field in FIELDS if columns.get(field))
        raise UserError(
            f"{table.path} has none of the columns {wanted}; it has {', '.join(table.columns)}: "
            "name yours with --column, e.g. --column title=name"
        )
    return positions


def how_it_is_read(
    table: UserTable, columns: Mapping[str, str], positions: Mapping[str, int], prices: PriceReader
) -> str:
    """Return how a table is read, and which columns it lacks, in one line."""
    lacking = [
        f"{field} ({columns[field]!r})"
        for field in FIELDS
        if columns.get(field) and field not in positions
    ]
    said = [f"{table.path}: {table.about}", prices.convention]
    if lacking:
        said.append(
            f"no column for {', '.join(lacking)}; it has {', '.join(table.columns)}: name yours "
            "with --column FIELD=NAME, or --column FIELD= for none"
        )
    return "; ".join(filter(None, said))


def learn_table(
    table: UserTable, positions: Mapping[str, int], folder: PhotoFolder, prices: PriceReader
) -> int:
    """Return the number of rows; the readers learn from all that can be read."""
    asked = {field: positions[field] for field in ("price", "photo") if field in positions}
    total = 0
    for row in table.rows(asked, raw=RAW_FIELDS):
        total += 1
        if "price" in row.cells:
            prices.learn([row.cells["price"]])
        if "photo" in row.cells:
            folder.learn([photo_cell(row.cells["photo"])])
    return total


def _ids(cells: pd.DataFrame, before: int) -> list[str]:
    if "id" in cells:
        return as_text(cells["id"]).tolist()
    return [f"row-{before + n}" for n in range(1, len(cells) + 1)]


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
