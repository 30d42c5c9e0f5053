"""Photos that the rows of a table name, copied from the user's folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

from tqdm import tqdm

from src.cleaning.redact import redact
from src.collect.collected import Collected, Note, store_photo


def copy_photos(
    rows: list[dict[str, str]], folder: Path, photos: Path, workers: int, collected: Collected
) -> dict[str, str]:
    """Copy the photos that rows name; return the stored names by listing id."""
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
                collected.noted.append(Note(row["id"], reason, redact(row["photo"])[:200]))
    return stored


def _copy_photo(name: str, folder: Path, photos: Path) -> tuple[str | None, str]:
    """Return the stored name, or None and the reason; `folder` is resolved."""
    try:
        # resolve() follows links, so a link that leads out of the folder is caught as well.
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or "\\" in name:
            return None, "photo outside the folder"
        if not path.is_file():
            return None, "photo not in the folder"
        return store_photo(photos, path.read_bytes()), ""
    except (OSError, ValueError, RuntimeError):
        return None, "photo cannot be read"
