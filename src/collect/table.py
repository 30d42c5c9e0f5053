"""The user's own table and folder of photos as a source."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pandas as pd

from src.cleaning.dates import DateCell, read_date
from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.prices import PriceCell, read_price
from src.cleaning.redact import redact
from src.cleaning.tables import as_text, csv_layout, is_parquet, readable
from src.collect.collected import Collected, Listing, Note, seller_hash
from src.collect.table_photos import PhotoCounts, copy_batch, hold_photos, require_some
from src.core.errors import UserError
from src.core.listings import SPLITS
from src.core.schema import Collect, Columns, Table

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


@contextmanager
def table_source(settings: Collect, seed: int, photos: Path, crawls: Path) -> Iterator[Collected]:
    """Read the table; see `read_table`."""
    yield read_table(settings.table, photos, seed=seed, workers=settings.crawl.at_once)


def read_table(settings: Table, photos: Path, *, seed: int, workers: int) -> Collected:
    """Read the table and copy its photos into the folder `photos`.

    A row that cannot be used is rejected with its reason. A price, date or photo that cannot be
    read is noted and left out. Raises UserError for a missing file, folder or column.
    """
    path = _resolve(settings, "path", "the CSV or Parquet file of listings")
    with readable(path):
        raw = pd.read_parquet(path) if is_parquet(path) else pd.read_csv(path, **csv_layout(path))
    table = _rename(raw, settings.columns, path)
    folder = None
    if "photo" in table and not hold_photos(table["photo"]):
        what = 'the folder of photos, or set collect.table.columns.photo to ""'
        folder = _resolve(settings, "photos", what)
        if not folder.is_dir():
            raise UserError(f"collect.table.photos: {folder} is not a folder; give {what}")
    collected = Collected(listings=[], rejected=[], noted=[])
    rows = _usable(table, collected)
    stored: dict[str, str] = {}
    if "photo" in table:
        counts = PhotoCounts()
        with PhotoFolder(folder) if folder else nullcontext() as place:
            stored = copy_batch(rows, place, photos, workers, collected, counts)
            require_some(counts, place)
        collected.said.append(counts.line())
    collected.listings = [_listing(row, stored.get(row["id"]), seed, collected) for row in rows]
    return collected


def _resolve(settings: Table, name: str, what: str) -> Path:
    """Return a file or folder in collect.table.folder, which DVC watches for changes."""
    value = getattr(settings, name)
    if not value:
        raise UserError(f"collect.table.{name} is empty; give {what}")
    # A queued experiment runs in another folder; DVC_ROOT names the user's own.
    path = Path(os.environ.get("DVC_ROOT", "")) / Path(settings.folder).expanduser() / value
    if not path.exists():
        raise UserError(f"collect.table.{name}: {path} does not exist; give {what}")
    return path


def _rename(table: pd.DataFrame, columns: Columns, path: Path) -> pd.DataFrame:
    """Return the user's columns under the names of our fields, all as text."""
    fields = {}
    for field, name in columns:
        if name and name in table:
            column = table[str(name)]
            fields[field] = column if field == "photo" else as_text(column)
        elif name and field != "split":
            hint = "" if field == "category" else '; set it to "" if there is none'
            raise UserError(
                f"collect.table.columns.{field}: {path} has no column {name!r}{hint}; "
                f"it has: {', '.join(map(str, table.columns))}"
            )
    if "id" not in fields:
        fields["id"] = pd.Series([f"row-{n}" for n in range(1, len(table) + 1)], index=table.index)
    if "split" in fields:
        fields["split"] = fields["split"].str.strip().str.lower()
        empty = int((fields["split"] == "").sum())
        if 0 < empty < len(table):
            raise UserError(
                f"collect.table.columns.split: {empty} of {len(table)} rows of {path} have no "
                f"split; fill them with {', '.join(SPLITS)}, or drop the column to get a new split"
            )
    return pd.DataFrame(fields)


def _usable(table: pd.DataFrame, collected: Collected) -> list[dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for values in table.itertuples(index=False):
        row: dict[str, str] = dict(zip(table.columns, values, strict=True))
        row["id"] = row["id"].strip()
        if (fault := _fault(row, rows)) is None:
            rows[row["id"]] = row
        else:
            # An invalid id can be anything, even someone's phone number.
            collected.rejected.append(Note(redact(row["id"])[:100], *fault))
    return list(rows.values())


def _fault(row: dict[str, str], earlier: Container[str]) -> tuple[str, str] | None:
    """Return why a row cannot be used: a reason to count by, and a detail."""
    category = row["category"].strip()
    if not row["id"]:
        return "no id", ""
    if not _ID.fullmatch(row["id"]):
        return "id longer than 64 or with characters other than letters, digits, - and _", ""
    if row["id"] in earlier:
        return "id occurs earlier in the table", ""
    if not category:
        return "no category", ""
    if len(category) > 200:
        return "category longer than 200 characters", redact(category[:60])
    if row.get("split") and row["split"] not in SPLITS:
        return f"split is not one of {', '.join(SPLITS)}", row["split"][:60]
    return None


def _listing(row: dict[str, str], photo: str | None, seed: int, collected: Collected) -> Listing:
    price, listed = read_price(row.get("price", "")), read_date(row.get("listed", ""))
    cells: dict[str, PriceCell | DateCell] = {"price": price, "listed": listed}
    for field, cell in cells.items():
        if cell.problem:
            detail = redact(row[field].strip())[:60]
            collected.noted.append(Note(row["id"], cell.problem, detail))
    return Listing(
        id=row["id"],
        title=redact(row.get("title", "").strip()),
        text=redact(row.get("text", "").strip()),
        price=price.value,
        category=row["category"].strip(),
        photo=photo,
        seller=seller_hash(row["seller"], str(seed)) if row.get("seller") else None,
        split=row.get("split") or None,
        listed=listed.value,
    )
