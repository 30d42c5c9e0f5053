"""Copy the photos that a table names or holds, and say what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from src.cleaning.photo_folder import NOT_FOUND, FoundPhoto, PhotoFolder
from src.cleaning.photo_names import PhotoCell, photo_cell
from src.cleaning.picture import PhotoError, check_length, read_photo
from src.cleaning.redact import redact
from src.collect.collected import Collected, Note, store_photo
from src.core.errors import UserError
from src.core.parallel import in_order

_RESPELLED = "spelled otherwise"
_SEVERAL = "several in a cell, the first found is used"
_MAX_DETAIL, _MAX_EXAMPLE = 200, 80


@dataclass
class PhotoCounts:
    """What became of the photos of a table.

    Attributes:
        named: cells that name or hold a photo.
        found: photos that are used.
        remarks: how often a photo was used with a remark.
        missing: how often none was used, by reason.
        examples: the first cell of each remark and reason.
    """

    named: int = 0
    found: int = 0
    remarks: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, cell: PhotoCell, found: FoundPhoto, problem: str) -> None:
        """Count one cell; `problem` is '' if its photo is used."""
        self.named += 1
        shown = repr(_shown(cell)[:_MAX_EXAMPLE])
        if problem:
            self.missing[problem] += 1
            self.examples.setdefault(problem, shown)
            return
        self.found += 1
        if cell.photos > 1 or found.several:
            self.remarks[_SEVERAL] += 1
            self.examples.setdefault(_SEVERAL, shown)
        if found.path is not None and not found.as_named:
            self.remarks[_RESPELLED] += 1
            self.examples.setdefault(_RESPELLED, f"{shown} is {redact(found.path.name)!r}")

    def line(self) -> str:
        """Return the counts as one line for the user."""
        parts = [f"photos named: {self.named}, found: {self.found}"]
        for kinds in (self.remarks, self.missing):
            for kind, count in kinds.most_common():
                parts.append(f"{kind}: {count} (e.g. {self.examples[kind]})")
        return "; ".join(parts)


def copy_batch(
    rows: Iterable[Mapping[str, Any]], folder: PhotoFolder | None, photos: Path, workers: int,
    collected: Collected, counts: PhotoCounts,
) -> dict[str, str]:  # fmt: skip
    """Copy the photos of some of a table's rows into `photos`; return the stored names by id.

    A photo that cannot be used is noted with its reason.

    Args:
        rows: each with its `id` and the table's own cell `photo`, of whatever type it is.
        folder: where the photos are, the same for all rows of a table; None: the cells hold them,
            see `hold_photos`.
        counts: of the whole table; these rows are added.
    """
    cells = {row["id"]: cell for row in rows if (cell := photo_cell(row["photo"]))}
    # Names are looked up here, one after the other; files are read and written by threads.
    found = ((cell, _find(cell, folder)) for cell in cells.values())
    copies = in_order(partial(_copy, photos), found, workers)
    stored: dict[str, str] = {}
    for (listing_id, cell), (place, name, problem) in zip(cells.items(), copies, strict=True):
        counts.add(cell, place, problem)
        if problem:
            collected.noted.append(Note(listing_id, problem, _shown(cell)))
        else:
            stored[listing_id] = name
    return stored


def hold_photos(cells: Iterable[Any]) -> bool:
    """Return whether a table's cells hold the photos themselves, so that no folder is needed."""
    held = False
    for cell in map(photo_cell, cells):
        if cell and cell.content is None:
            return False
        held = held or bool(cell)
    return held


def require_some(counts: PhotoCounts, folder: PhotoFolder | None) -> None:
    """Raise UserError if photos are named and none was found: a wrong folder or column."""
    if folder is None or counts.found or not counts.missing:
        return
    reason, number = counts.missing.most_common(1)[0]
    files, example = folder.files()
    holds = f"it holds {files} files, e.g. {redact(example)!r}" if files else "it holds no files"
    raise UserError(
        f"collect.table.photos: none of the {counts.named} photos that the table names was found "
        f"in {folder.folder} ({reason}: {number}, e.g. {counts.examples[reason]}); {holds}; name "
        'the folder of the photos, or set collect.table.columns.photo to "" to do without'
    )


def _find(cell: PhotoCell, folder: PhotoFolder | None) -> FoundPhoto:
    if cell.content is not None:
        return FoundPhoto(None)
    return folder.find(cell) if folder else FoundPhoto(None, NOT_FOUND)


def _copy(photos: Path, photo: tuple[PhotoCell, FoundPhoto]) -> tuple[FoundPhoto, str, str]:
    """Return what was found, and the stored name or else the problem."""
    cell, found = photo
    if found.problem:
        return found, "", f"photo {found.problem}"
    try:
        content = read_photo(found.path) if found.path else check_length(cell.content or b"")
        return found, store_photo(photos, content), ""
    except PhotoError as error:
        return found, "", f"photo: {error}"


def _shown(cell: PhotoCell) -> str:
    # A contact that is cut in two would not be recognised.
    return redact(str(cell)[: 5 * _MAX_DETAIL])[:_MAX_DETAIL]
