"""A user's table of listings, read batch by batch, so that memory does not grow with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from src.cleaning.cells import as_text
from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.photo_names import photo_cell
from src.cleaning.prices import PriceReader
from src.cleaning.tables.row import RAW_FIELDS, Row
from src.cleaning.tables.table import UserTable
from src.core.errors import UserError
from src.core.places import is_address
from src.predict.listings import BATCH_LISTINGS, FIELDS, ReadListings, read_cells

# What a table may have a column for.
COLUMN_FIELDS = ("id", *FIELDS, "category")


class TableBatch(NamedTuple):
    """Some rows of a table, [N]: as they are, their ids and cells, and as the models read them.

    A row that cannot be read has a fault, and a listing with nothing in it.
    """

    rows: list[Row]
    ids: list[str]
    cells: pd.DataFrame
    listings: ReadListings


def table_positions(
    table: UserTable, columns: Mapping[str, str], chosen: Collection[str]
) -> dict[str, int]:
    """Return where each field is; those that the table lacks have no place unless chosen.

    Raises:
        UserError: the table lacks a chosen column, or has nothing to predict from.
    """
    known = [(field, name) for field, name in columns.items() if field in COLUMN_FIELDS]
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


def photos_of(folder: Path | str, positions: Mapping[str, int]) -> PhotoFolder:
    """Return the folder of a table's photos; raises UserError if it is needed and there is none.

    Args:
        folder: its path, or its address in a bucket.
    """
    if is_address(str(folder)):
        # Imported late: few tables have their photos there.
        from src.cleaning.photo_bucket import PhotoBucket

        photos: PhotoFolder = PhotoBucket(str(folder))
    else:
        photos = PhotoFolder(Path(folder))
    if "photo" in positions and not photos.exists():
        raise UserError(f"{folder} is not a folder of photos; give one with --photos")
    return photos


def read_batches(
    table: UserTable,
    positions: Mapping[str, int],
    folder: PhotoFolder,
    prices: PriceReader,
    pixels: int,
    size: int = BATCH_LISTINGS,
) -> Iterator[TableBatch]:
    """Yield all rows of a table in order, `size` at once; a row without an id is row-<its number>.

    Args:
        folder, prices: which `learn_table` has taught.
        pixels: side of the photos that the image model reads.
    """
    rows, done = table.rows(positions, raw=RAW_FIELDS), 0
    while some := list(islice(rows, size)):
        cells = pd.DataFrame([row.cells for row in some], columns=list(positions), dtype=object)
        ids = [f"row-{done + n}" for n in range(1, len(some) + 1)]
        if "id" in cells:
            ids = as_text(cells["id"]).tolist()
        listings = read_cells(cells, folder.read, pixels, prices, folder.threads)
        yield TableBatch(some, ids, cells, listings)
        done += len(some)
