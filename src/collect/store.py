"""The state of a crawl, in SQLite and a folder of photos: a kill loses only pending requests."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, Self

from filelock import FileLock, Timeout

from src.cleaning.redact import redact
from src.collect.collected import Listing, Note, seller_hash
from src.core.errors import UserError, is_full_disk

_SCHEMA = Path(__file__).with_name("store.sql")


class Position(NamedTuple):
    """How far a start has been walked: the number of the walk, and its next page, 0 when done."""

    walk: int
    page: int


class Store:
    """One crawl's folder: `crawl.sqlite` and `photos`. A context manager, for one process only.

    Texts are redacted and sellers hashed here, before anything is written to disk.
    """

    def __init__(self, folder: Path, salt: str | None = None) -> None:
        """`salt` makes demos repeatable; None: a random one, which never leaves the store."""
        self.folder, self.photos = folder, folder / "photos"
        self._salt = salt

    def __enter__(self) -> Self:
        self.photos.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.folder / "lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"another crawl is writing to {self.folder}; wait for it to end, then try again"
            ) from None
        for left_over in self.photos.glob("*/.*.part"):
            left_over.unlink()
        self.db = sqlite3.connect(self.folder / "crawl.sqlite", isolation_level=None)
        try:
            # A kill loses no commit; a power cut may lose the last commits, but none in part.
            self.db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
            self.db.executescript("PRAGMA secure_delete=ON;" + _SCHEMA.read_text(encoding="utf-8"))
        except sqlite3.DatabaseError as error:
            self.__exit__()
            if is_full_disk(error) or not shutil.disk_usage(self.folder).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder)) from error
            raise UserError(
                f"{self.folder / 'crawl.sqlite'} cannot be used ({error}); move "
                f"{self.folder} away to start the crawl again from nothing"
            ) from error
        if self.fact("salt") is None:
            self.set_fact("salt", self._salt or secrets.token_hex(16))
        self.salt = str(self.fact("salt"))
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()
        self._lock.release()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all changes of the body, or none."""
        self.db.execute("BEGIN IMMEDIATE")
        with self.db:
            yield

    def fact(self, name: str) -> str | None:
        return self._one("SELECT value FROM facts WHERE name = ?", name)

    def set_fact(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def position(self, start: str) -> Position:
        """Return where to continue; a start that was never walked is at page 1 of walk 1."""
        row = self.db.execute("SELECT walk, page FROM starts WHERE start = ?", (start,)).fetchone()
        return Position(*row) if row else Position(1, 1)

    def walk_again(self, starts: Sequence[str]) -> None:
        """Begin another walk of the starts that are done, to fetch what is new."""
        with self.transaction():
            for start in starts:
                if self.position(start).page == 0:
                    self.db.execute("DELETE FROM pages WHERE start = ?", (start,))
                    update = "UPDATE starts SET walk = walk + 1, page = 1 WHERE start = ?"
                    self.db.execute(update, (start,))

    def finish_start(self, start: str) -> None:
        values = (start, self.position(start).walk)
        self.db.execute("INSERT OR REPLACE INTO starts VALUES (?, ?, 0)", values)

    def was_shown(self, start: str, ids: Iterable[str]) -> bool:
        """Whether this walk has already seen a page with exactly these listings."""
        query = "SELECT 1 FROM pages WHERE start = ? AND shown = ?"
        return self._one(query, start, _digest(ids)) is not None

    def pages_without_new(self, start: str) -> int:
        """Return how many of this walk's last pages, 2 at most, had nothing new."""
        query = "SELECT new FROM pages WHERE start = ? ORDER BY page DESC LIMIT 2"
        rows = self.db.execute(query, (start,)).fetchall()
        return next((n for n, (new,) in enumerate(rows) if new), len(rows))

    def add_page(
        self, start: str, shown: Iterable[str], listings: Iterable[Listing], *, whole: bool
    ) -> int:
        """Store the page at `position` and move on, in one transaction; return the new listings.

        Args:
            shown: the ids on the page.
            listings: what to store, with the photo's URL and the seller as the page has them.
            whole: false if a limit cut the page short; then it will be requested again.
        """
        with self.transaction():
            position = self.position(start)
            before = self.db.total_changes
            for listing in listings:
                self._add(listing)
            new = self.db.total_changes - before
            page = (start, position.walk, position.page + whole)
            self.db.execute("INSERT OR REPLACE INTO starts VALUES (?, ?, ?)", page)
            if whole:
                row = (start, position.page, _digest(shown), new)
                self.db.execute("INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?)", row)
        return new

    def lengthen_text(self, listing_id: str, text: str) -> None:
        """Replace the text of a listing by a longer one."""
        update = "UPDATE listings SET text = ?1 WHERE id = ?2 AND length(text) < length(?1)"
        self.db.execute(update, (redact(text), listing_id))

    def note(self, kind: str, note: Note) -> None:
        """Store a note; `kind` is "rejected" or "noted"."""
        row = (kind, note.id, note.reason, redact(note.detail))
        self.db.execute("INSERT OR IGNORE INTO notes VALUES (?, ?, ?, ?)", row)

    def has(self, listing_id: str) -> bool:
        return self._one("SELECT 1 FROM listings WHERE id = ?", listing_id) is not None

    def count(self, category: str | None = None) -> int:
        where = "" if category is None else " WHERE category = ?"
        values = () if category is None else (category,)
        return int(self._one(f"SELECT count(*) FROM listings{where}", *values) or 0)

    def expected(self) -> int:
        """Return how many listings the searches claim to have."""
        query = "SELECT coalesce(sum(value), 0) FROM facts WHERE name LIKE 'total %'"
        return int(self._one(query) or 0)

    def retry_failed(self) -> None:
        """Mark the photos that failed in an earlier run as wanted again."""
        self.db.execute("UPDATE listings SET state = 'wanted' WHERE state = 'failed'")

    def wanted_photos(self, limit: int) -> list[tuple[str, str]]:
        """Return ids and photo URLs of listings whose photo is still to be fetched."""
        query = "SELECT id, address FROM listings WHERE state = 'wanted' LIMIT ?"
        return self.db.execute(query, (limit,)).fetchall()

    def photo_stored(self, listing_id: str, name: str) -> None:
        update = "UPDATE listings SET state = 'stored', photo = ?, reason = NULL WHERE id = ?"
        self.db.execute(update, (name, listing_id))

    def photo_failed(self, listing_id: str, reason: str, *, for_good: bool) -> None:
        """Store why there is no photo; unless it is for good, another run asks for it again."""
        update = "UPDATE listings SET state = ?, reason = ? WHERE id = ?"
        self.db.execute(update, ("refused" if for_good else "failed", reason, listing_id))

    def photo_counts(self) -> dict[str, int]:
        """Count listings by their photo's state: none, wanted, stored, refused, failed."""
        return dict(self.db.execute("SELECT state, count(*) FROM listings GROUP BY state"))

    def forget(self, listing_id: str) -> bool:
        """Delete a listing, its notes and photo, and never store it again; return if it existed."""
        row = self.db.execute("SELECT photo FROM listings WHERE id = ?", (listing_id,)).fetchone()
        with self.transaction():
            hashed = (self._hash(listing_id),)
            self.db.execute("INSERT OR IGNORE INTO forgotten VALUES (?)", hashed)
            self.db.execute("DELETE FROM listings WHERE id = ?", (listing_id,))
            self.db.execute("DELETE FROM notes WHERE id = ?", (listing_id,))
        if row and row[0]:
            shared = self._one("SELECT 1 FROM listings WHERE photo = ?", row[0])
            if shared is None:
                (self.photos / row[0]).unlink(missing_ok=True)
        # Otherwise the deleted text could still be read in free pages and in the log.
        self.db.executescript("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
        return row is not None

    def _hash(self, listing_id: str) -> str:
        return blake2b(listing_id.encode(), digest_size=16, key=self.salt.encode()).hexdigest()

    def _add(self, listing: Listing) -> None:
        if self._one("SELECT 1 FROM forgotten WHERE id = ?", self._hash(listing.id)) is not None:
            return
        self.db.execute(
            "INSERT INTO listings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)"
            " ON CONFLICT (id) DO NOTHING",
            (
                listing.id,
                redact(listing.title),
                redact(listing.text),
                listing.price,
                listing.category,
                seller_hash(listing.seller, self.salt) if listing.seller else None,
                listing.listed,
                listing.photo,
                "none" if listing.photo is None else "wanted",
            ),
        )

    def _one(self, query: str, *values: str) -> str | None:
        row = self.db.execute(query, values).fetchone()
        return row[0] if row else None


def _digest(ids: Iterable[str]) -> str:
    return blake2b(" ".join(sorted(ids)).encode(), digest_size=8).hexdigest()
