"""Copy the photos that a table names or holds, and say what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from src.cleaning.photo_folder import FoundPhoto, PhotoFolder, find_photo, read_found
from src.cleaning.photo_names import PhotoCell, photo_cell
from src.cleaning.picture import PhotoError, check_picture
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
        broken: photos that are there and cannot be read.
        remarks: how often a photo was used with a remark.
        unused: how often none was used, by reason.
        examples: the first cell of each remark and reason.
    """

    named: int = 0
    found: int = 0
    broken: int = 0
    remarks: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, cell: PhotoCell, found: FoundPhoto | None, problem: str) -> None:
        """Count one cell; `problem` says why its photo is not used, `found` is None if missing."""
        self.named += 1
        shown = repr(_shown(cell)[:_MAX_EXAMPLE])
        if found is None or problem:
            self.broken += found is not None
            self.unused[problem] += 1
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
        """Return the counts as one line for the user; the notes have the reasons."""
        missing = self.named - self.found - self.broken
        parts = [
            f"photos named: {self.named} = {self.found} found + {missing} missing + "
            f"{self.broken} broken"
        ]
        for kind, count in self.remarks.most_common():
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
        folder: where the photos are, the same for all rows of a table; None: the cells hold them.
        counts: of the whole table; these rows are added.
    """
    cells = {row["id"]: cell for row in rows if (cell := photo_cell(row["photo"]))}
    copies = in_order(partial(_copy, folder, photos), cells.values(), workers)
    stored: dict[str, str] = {}
    for (listing_id, cell), (found, name, problem) in zip(cells.items(), copies, strict=True):
        counts.add(cell, found, problem)
        if problem:
            collected.noted.append(Note(listing_id, problem, _shown(cell)))
        else:
            stored[listing_id] = name
    return stored


def require_some(counts: PhotoCounts, folder: PhotoFolder | None) -> None:
    """Raise UserError if photos are named and none is used: a wrong folder or column."""
    if folder is None or counts.found or not counts.unused:
        return
    reason, number = counts.unused.most_common(1)[0]
    files, example = folder.files()
    holds = f"it holds {files} files, e.g. {redact(example)!r}" if files else "it holds no files"
    raise UserError(
        f"collect.table.photos: none of the {counts.named} photos that the table names is there "
        f"and whole in {folder.folder} ({reason}: {number}, e.g. {counts.examples[reason]}); "
        f'{holds}; name the folder of the photos, or set collect.table.columns.photo to "" to do '
        "without"
    )


def _copy(
    folder: PhotoFolder | None, photos: Path, cell: PhotoCell
) -> tuple[FoundPhoto | None, str, str]:
    """Return what was found, and its stored name or the problem."""
    found = None
    try:
        found = find_photo(cell, folder)
        content = read_found(cell, found)
        check_picture(content)
        return found, store_photo(photos, content), ""
    except PhotoError as error:
        return found, "", f"photo: {error}"


def _shown(cell: PhotoCell) -> str:
    # A contact that is cut in two would not be recognised.
    return redact(str(cell)[: 5 * _MAX_DETAIL])[:_MAX_DETAIL]
