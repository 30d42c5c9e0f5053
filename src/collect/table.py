"""The user's own table and folder of photos as a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from src.cleaning.categories import read_category
from src.cleaning.cells import is_missing, present, visible
from src.cleaning.ids import read_id
from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.picture import keep_pillow_quiet
from src.cleaning.redact import redact
from src.cleaning.tables.row import RAW_FIELDS
from src.cleaning.tables.table import UserTable
from src.collect.collected import Collected, Listing, Note, seller_hash
from src.collect.survey import survey
from src.collect.table_files import file_in_folder, photo_folder
from src.collect.table_photos import PhotoCounts, copy_batch, require_some
from src.core.errors import UserError
from src.core.listings import SPLITS
from src.core.schema import Collect, Columns
from src.core.schema import Table as TableSettings

# Rows whose photos are copied together.
_BATCH = 1000


@contextmanager
def table_source(settings: Collect, seed: int, photos: Path, crawls: Path) -> Iterator[Collected]:
    """Read the table; see `read_table`."""
    yield read_table(settings.table, photos, seed=seed, workers=settings.crawl.at_once)


def read_table(settings: TableSettings, photos: Path, *, seed: int, workers: int) -> Collected:
    """Read the table, row by row as its listings are asked for, and copy its photos into `photos`.

    A row that cannot be used is rejected with its reason. A price, date or photo that cannot be
    read is noted and left out. Memory grows with the notes, and by 8 bytes for each row.

    Raises:
        UserError: a missing file, folder or column, one outside the folder that DVC watches, or a
            table that cannot be read; also while the listings are asked for.
    """
    path = file_in_folder(settings)
    wanted = [str(name) for _, name in settings.columns if name]
    # Whether there must be such a folder is known when the table has been read once.
    folder = PhotoFolder(Path(settings.folder) / settings.photos)
    reader = _TableReader(UserTable(path, wanted), settings.columns, seed, folder)
    named = "photo" in reader.positions and not reader.survey.holds_photos
    if named:
        photo_folder(settings)
    collected = Collected(listings=(), rejected=[], noted=[], read=reader.survey.rows)
    collected.said += reader.said()
    collected.listings = reader.listings(collected, folder if named else None, photos, workers)
    return collected


class _TableReader:
    """Reads the listings of a table with what its columns as a whole tell."""

    def __init__(self, table: UserTable, columns: Columns, seed: int, folder: PhotoFolder) -> None:
        self.table, self.columns, self.seed = table, columns, seed
        self.positions = _positions(table, columns)
        self.exact = table.exact.get(self.positions.get("id", -1))
        self.survey = survey(table, self.positions, self.exact, folder)
        self._require_all_splits_or_none()
        # Of the ids that occur more than once, those of rows that can be used.
        self.used: set[str] = set()

    def said(self) -> list[str]:
        """Return lines on how the table is read."""
        said = [f"{self.table.path}: {self.table.about}"]
        if self.columns.split and "split" not in self.positions:
            said.append(f"no column {self.columns.split!r}: the listings get a new split")
        said += filter(None, (self.survey.prices.convention, self.survey.dates.convention))
        said += (
            f"these categories differ only in case or look-alike letters: {', '.join(group)}; "
            "write them alike if they are one"
            for group in self.survey.alike
        )
        return said

    def listings(
        self, collected: Collected, folder: PhotoFolder | None, photos: Path, workers: int
    ) -> Iterator[Listing]:
        """Yield the listings; reject and note the rest in `collected`.

        Args:
            folder: of the photos; None: there are none, or the cells hold them.
        """
        rows = self._usable(collected)
        if "photo" not in self.positions:
            yield from (self._listing(row, None, collected) for row in rows)
            return
        keep_pillow_quiet()
        counts = PhotoCounts()
        with folder or nullcontext() as place:
            while batch := list(islice(rows, _BATCH)):
                stored = copy_batch(batch, place, photos, workers, collected, counts)
                for row in batch:
                    yield self._listing(row, stored.get(row["id"]), collected)
            require_some(counts, place)
        if counts.named:
            collected.said.append(counts.line())

    def _require_all_splits_or_none(self) -> None:
        missing, given = self.survey.without_split, self.survey.with_split
        if missing and given:
            raise UserError(
                f"collect.table.columns.split: {missing} of {missing + given} rows of "
                f"{self.table.path} have no split; fill them with {', '.join(SPLITS)}, or drop "
                "the column to get a new split"
            )

    def _usable(self, collected: Collected) -> Iterator[dict[str, Any]]:
        rows = self.table.rows(self.positions, raw=RAW_FIELDS)
        bar = tqdm(rows, total=self.survey.rows, desc="rows", unit="row", disable=None)
        for number, row in enumerate(bar, 1):
            reason, detail = (row.fault, "") if row.fault else self._clean(row.cells, number)
            listing_id = row.cells.get("id", "")
            if reason:
                # An invalid id can be anything, even someone's phone number.
                detail = f"{row.where}: {redact(detail)[:60]}" if detail else row.where
                collected.rejected.append(Note(redact(listing_id)[:100], reason, detail))
                continue
            if row.note:
                collected.noted.append(Note(listing_id, row.note, row.where))
            yield row.cells

    def _clean(self, cells: dict[str, Any], number: int) -> tuple[str, str]:
        """Clean the cells that decide whether a row can be used; return a reason and a detail."""
        found = read_id(cells["id"], self.exact) if "id" in cells else None
        cells["id"] = found.value if found else f"row-{number}"
        if found and found.problem:
            return found.problem, found.value
        if cells["id"] in self.used:
            return "id occurs earlier in the table", ""
        cells["category"], problem = read_category(cells["category"])
        if problem:
            return problem, cells["category"]
        split = cells["split"] = visible(cells.get("split", "")).lower()
        if is_missing(split):
            cells["split"] = ""
        elif split not in SPLITS:
            return f"split is not one of {', '.join(SPLITS)}", split
        if hash(cells["id"]) in self.survey.repeated:
            self.used.add(cells["id"])
        return "", ""

    def _listing(self, row: dict[str, Any], photo: str | None, collected: Collected) -> Listing:
        price = self.survey.prices.read(row.get("price", ""))
        listed = self.survey.dates.read(row.get("listed", ""))
        for field, problem in (("price", price.problem), ("listed", listed.problem)):
            if problem:
                detail = redact(str(row[field]).strip())[:60]
                collected.noted.append(Note(row["id"], problem, detail))
        seller = visible(row.get("seller", ""))
        return Listing(
            id=row["id"],
            title=redact(present(row.get("title", ""))),
            text=redact(present(row.get("text", ""))),
            price=price.value,
            category=row["category"],
            photo=photo,
            seller=None if is_missing(seller) else seller_hash(seller, str(self.seed)),
            split=row["split"] or None,
            listed=listed.value,
        )


def _positions(table: UserTable, columns: Columns) -> Mapping[str, int]:
    """Return where each field is; a field that the user says the table lacks has no place."""
    positions, lacking = table.positions(columns)
    for field, name in lacking.items():
        if field != "split":
            hint = "" if field == "category" else '; set it to "" if there is none'
            raise UserError(
                f"collect.table.columns.{field}: {table.path} has no column {name!r}{hint}; it "
                f"has: {', '.join(table.columns)} ({table.about})"
            )
    return positions
