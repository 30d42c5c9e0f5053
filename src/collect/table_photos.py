"""STAND-IN: photos that the rows of a table name, copied from the user's folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from tqdm import tqdm

from src.cleaning.redact import redact
from src.collect.collected import Collected, Note, store_photo


@dataclass
class PhotoCounts:
    named: int = 0
    found: int = 0

    def line(self) -> str:
        return f"photos named: {self.named}, found: {self.found}"


class PhotoFolder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> PhotoFolder:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def require_some(counts: PhotoCounts, folder: PhotoFolder) -> None:
    pass


def copy_batch(
    rows: Iterable[Mapping[str, Any]], folder: PhotoFolder, photos: Path, workers: int,
    collected: Collected, counts: PhotoCounts,
) -> dict[str, str]:  # fmt: skip
    named = [row for row in rows if str(row["photo"] or "").strip()]
    stored: dict[str, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        names = [str(row["photo"]).strip() for row in named]
        results = tqdm(
            pool.map(_copy_photo, names, repeat(folder.folder.resolve()), repeat(photos)),
            desc="photos", unit="photo", total=len(named), disable=None,
        )  # fmt: skip
        for row, (name, reason) in zip(named, results, strict=True):
            counts.named += 1
            if name is not None:
                counts.found += 1
                stored[row["id"]] = name
            else:
                collected.noted.append(Note(row["id"], reason, redact(str(row["photo"]))[:200]))
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
