"""Take listings from a table and a folder of photos that the user already has."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from src.cleaning.dates import read_date
from src.cleaning.prices import read_price
from src.cleaning.redact import redact
from src.collect.found import Found, Listing, Note, seller_hash, store_photo
from src.core.errors import UserError
from src.core.listings import SPLITS
from src.core.tables import as_text, csv_layout, is_parquet, readable

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
FIELDS = ("id", "title", "text", "price", "category", "photo", "seller", "split", "listed")


def read_table(params: Mapping[str, Any], photos: Path, *, seed: int, workers: int) -> Found:
    """Read `collect.table`'s file, copy its photos into the folder `photos`.

    A row that cannot be used is set aside with its reason; a price or photo that cannot be read
    is noted and missing. Raises UserError for a missing file, folder or column.
    """
    path = _resolve(params, "path", "the CSV or Parquet file of listings")
    table = _columns(_read(path), params["columns"], path)
    folder = None
    if "photo" in table:
        folder = _resolve(
            params,
            "photos",
            'the folder of photos, or set collect.table.columns.photo to ""',
        )
        if not folder.is_dir():
            raise UserError(f"collect.table.photos: {folder} is not a folder")
    found = Found(listings=[], rejected=[], noted=[])
    rows = _usable(table, found)
    stored = _copy_photos(rows, folder, photos, workers, found) if folder else {}
    found.listings = [
        Listing(
            id=row["id"],
            title=redact(row.get("title", "").strip()),
            text=redact(row.get("text", "").strip()),
            price=_noted(row, "price", read_price(row.get("price", "")), found),
            category=row["category"].strip(),
            photo=stored.get(row["id"]),
            seller=seller_hash(row["seller"], str(seed)) if row.get("seller") else None,
            split=row.get("split") or None,
            listed=_noted(row, "listed", read_date(row.get("listed", "")), found),
        )
        for row in rows
    ]
    return found


def _resolve(params: Mapping[str, Any], name: str, what: str) -> Path:
    """The file or folder of that name in collect.table.folder, which DVC watches for changes."""
    if not params[name]:
        raise UserError(f"collect.table.{name} is empty; give {what}")
    # A queued experiment runs in another folder; DVC_ROOT names the user's own.
    folder = Path(os.environ.get("DVC_ROOT", "")) / Path(params["folder"]).expanduser()
    path = folder / params[name]
    if not path.exists():
        raise UserError(f"collect.table.{name}: there is no {path}; give {what}")
    return path


def _read(path: Path) -> pd.DataFrame:
    with readable(path):
        if is_parquet(path):
            return pd.read_parquet(path)
        return pd.read_csv(path, **csv_layout(path))


def _columns(table: pd.DataFrame, columns: Mapping[str, str], path: Path) -> pd.DataFrame:
    """The mapped columns under our own names, all of them text."""
    there = ", ".join(map(str, table.columns))
    unknown = sorted(set(columns) - set(FIELDS))
    if unknown:
        raise UserError(f"collect.table.columns: unknown {unknown}; known are {', '.join(FIELDS)}")
    if not columns.get("category"):
        raise UserError(
            f'collect.table.columns.category is ""; name the column; {path} has: {there}'
        )
    if not columns.get("title") and not columns.get("text"):
        raise UserError(
            f'collect.table.columns: title and text are both ""; name one; {path} has: {there}'
        )
    taken = {}
    for field in FIELDS:
        name = columns.get(field)
        if name and name in table:
            taken[field] = as_text(table[name])
        elif name and field != "split":
            hint = "" if field == "category" else '; set it to "" if there is none'
            raise UserError(
                f"collect.table.columns.{field}: {path} has no column {name!r}{hint}; "
                f"it has: {there}"
            )
    if "id" not in taken:
        taken["id"] = pd.Series([f"row-{n}" for n in range(1, len(table) + 1)], index=table.index)
    if "split" in taken:
        taken["split"] = taken["split"].str.strip().str.lower()
        empty = int((taken["split"] == "").sum())
        if 0 < empty < len(table):
            raise UserError(
                f"collect.table.columns.split: {empty} of {len(table)} rows of {path} have none; "
                f"fill them with {', '.join(SPLITS)}, or drop the column to get a new split"
            )
    return pd.DataFrame(taken)


def _usable(table: pd.DataFrame, found: Found) -> list[dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for values in table.itertuples(index=False):
        row: dict[str, str] = dict(zip(table.columns, values, strict=True))
        row["id"] = row["id"].strip()
        fault = fault_of(row, rows)
        if fault:
            # An odd id can be anything, also someone's phone number.
            found.rejected.append(Note(redact(row["id"])[:100], *fault))
        else:
            rows[row["id"]] = row
    return list(rows.values())


def fault_of(row: dict[str, str], earlier: Mapping[str, object]) -> tuple[str, str] | None:
    """Why a row cannot be used: a reason to count by, and a detail."""
    category = row["category"].strip()
    if not row["id"]:
        return "no id", ""
    if not _ID.fullmatch(row["id"]):
        return "id with other characters than letters, digits, - and _, or over 64", ""
    if row["id"] in earlier:
        return "id is there already", ""
    if not category:
        return "no category", ""
    if len(category) > 200:
        return "category longer than 200 characters", redact(category[:60])
    if row.get("split") and row["split"] not in SPLITS:
        return f"part is none of {', '.join(SPLITS)}", row["split"][:60]
    return None


def _noted(row: dict[str, str], field: str, found_value: Any, found: Found) -> Any:
    """The value that was read, noting why there is none."""
    if found_value.problem:
        found.noted.append(Note(row["id"], found_value.problem, redact(row[field].strip())[:60]))
    return found_value.value


def _copy_photos(
    rows: list[dict[str, str]], folder: Path, photos: Path, workers: int, found: Found
) -> dict[str, str]:
    """Copy the named photos; gives stored names by listing id."""
    named = [row for row in rows if row["photo"].strip()]
    stored: dict[str, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        names = [row["photo"].strip() for row in named]
        results = tqdm(
            pool.map(_copy_photo, names, repeat(folder.resolve()), repeat(photos)),
            desc="photos", unit="photo", total=len(named), disable=None,
        )  # fmt: skip
        for row, (name, reason) in zip(named, results, strict=True):
            if name is not None:
                stored[row["id"]] = name
            else:
                found.noted.append(Note(row["id"], reason, redact(row["photo"])[:200]))
    return stored


def _copy_photo(name: str, folder: Path, photos: Path) -> tuple[str | None, str]:
    """The stored name, or None and why; `folder` is resolved."""
    try:
        # Resolving follows links, so a link that leads out of the folder is caught as well.
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or "\\" in name:
            return None, "photo outside the folder"
        if not path.is_file():
            return None, "photo not in the folder"
        return store_photo(photos, path.read_bytes()), ""
    except (OSError, ValueError, RuntimeError):
        return None, "photo cannot be read"
