"""The state of a crawl in SQLite and a folder of photos: a kill costs the request in flight."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, Self

from filelock import FileLock, Timeout

from src.cleaning.redact import redact
from src.collect.found import Listing, Note, seller_hash
from src.core.errors import UserError

_SCHEMA = Path(__file__).with_name("store.sql")


class Place(NamedTuple):
    """Where the walk through a start stands: its number and the page to ask next, 0 when done."""

    walk: int
    page: int


class Store:
    """One crawl's folder: `crawl.sqlite` and `photos`. Use as a context manager, one at a time.

    Texts are redacted and sellers hashed here, before anything reaches the disk.
    """

    def __init__(self, folder: Path, salt: str | None = None) -> None:
        """`salt` is for repeatable demos; without one it is random and never leaves the store."""
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
            # What was committed survives a kill; a power cut may cost the last commits, whole.
            self.db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
            self.db.executescript("PRAGMA secure_delete=ON;" + _SCHEMA.read_text(encoding="utf-8"))
        except sqlite3.DatabaseError as error:
            self.__exit__()
            raise UserError(
                f"{self.folder / 'crawl.sqlite'} cannot be used ({error}); move "
                f"{self.folder} away to begin the crawl anew"
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
        """All of the body's changes, or none of them."""
        self.db.execute("BEGIN IMMEDIATE")
        with self.db:
            yield

    def fact(self, name: str) -> str | None:
        return self._one("SELECT value FROM facts WHERE name = ?", name)

    def set_fact(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def place(self, start: str) -> Place:
        """Where to go on; a start that was never walked begins at page 1 of walk 1."""
        row = self.db.execute("SELECT walk, page FROM starts WHERE start = ?", (start,)).fetchone()
        return Place(*row) if row else Place(1, 1)

    def walk_again(self, starts: Sequence[str]) -> None:
        """Begin another walk of the starts that are done, to fetch what is new."""
        with self.transaction():
            for start in starts:
                if self.place(start).page == 0:
                    self.db.execute("DELETE FROM pages WHERE start = ?", (start,))
                    update = "UPDATE starts SET walk = walk + 1, page = 1 WHERE start = ?"
                    self.db.execute(update, (start,))

    def finish_start(self, start: str) -> None:
        values = (start, self.place(start).walk)
        self.db.execute("INSERT OR REPLACE INTO starts VALUES (?, ?, 0)", values)

    def was_shown(self, start: str, ids: Iterable[str]) -> bool:
        """Whether this walk has met a page with just these listings before."""
        query = "SELECT 1 FROM pages WHERE start = ? AND shown = ?"
        return self._one(query, start, _digest(ids)) is not None

    def barren_pages(self, start: str) -> int:
        """How many of this walk's last two pages, counted from the last, brought nothing new."""
        query = "SELECT new FROM pages WHERE start = ? ORDER BY page DESC LIMIT 2"
        rows = self.db.execute(query, (start,)).fetchall()
        return next((n for n, (new,) in enumerate(rows) if new), len(rows))

    def add_page(
        self,
        start: str,
        shown: Iterable[str],
        listings: Iterable[Listing],
        *,
        whole: bool,
    ) -> int:
        """Take over the page that `place` names, at once or not at all; returns the new listings.

        Args:
            shown: the ids that the page had.
            listings: what to store of it, with the photo's address and the seller as they stood.
            whole: false where a limit cut the page short; it will be asked again.
        """
        with self.transaction():
            place = self.place(start)
            before = self.db.total_changes
            for listing in listings:
                self._add(listing)
            new = self.db.total_changes - before
            page = (start, place.walk, place.page + whole)
            self.db.execute("INSERT OR REPLACE INTO starts VALUES (?, ?, ?)", page)
            if whole:
                row = (start, place.page, _digest(shown), new)
                self.db.execute("INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?)", row)
        return new

    def note(self, kind: str, note: Note) -> None:
        """Keep a note; `kind` is "rejected" or "noted"."""
        row = (kind, note.id, note.reason, redact(note.detail))
        self.db.execute("INSERT OR IGNORE INTO notes VALUES (?, ?, ?, ?)", row)

    def has(self, number: str) -> bool:
        return self._one("SELECT 1 FROM listings WHERE id = ?", number) is not None

    def count(self, category: str | None = None) -> int:
        where = "" if category is None else " WHERE category = ?"
        values = () if category is None else (category,)
        return int(self._one(f"SELECT count(*) FROM listings{where}", *values) or 0)

    def expected(self) -> int:
        """How many listings the searches say they have."""
        query = "SELECT coalesce(sum(value), 0) FROM facts WHERE name LIKE 'total %'"
        return int(self._one(query) or 0)

    def retry_failed(self) -> None:
        """Want the photos again that an earlier run could not have."""
        self.db.execute("UPDATE listings SET state = 'wanted' WHERE state = 'failed'")

    def wanted(self, most: int) -> list[tuple[str, str]]:
        """Some listings whose photo is neither there nor lost: id and address."""
        query = "SELECT id, address FROM listings WHERE state = 'wanted' LIMIT ?"
        return self.db.execute(query, (most,)).fetchall()

    def photo_stored(self, number: str, name: str) -> None:
        update = "UPDATE listings SET state = 'stored', photo = ?, reason = NULL WHERE id = ?"
        self.db.execute(update, (name, number))

    def photo_lost(self, number: str, reason: str, *, for_good: bool) -> None:
        """Note why there is no photo; one that is not lost for good is asked for in another run."""
        update = "UPDATE listings SET state = ?, reason = ? WHERE id = ?"
        self.db.execute(update, ("refused" if for_good else "failed", reason, number))

    def photo_counts(self) -> dict[str, int]:
        """Listings by the state of their photo: none, wanted, stored, refused, failed."""
        return dict(self.db.execute("SELECT state, count(*) FROM listings GROUP BY state"))

    def hash_of(self, number: str) -> str:
        """How an id stands in the list of the forgotten."""
        return blake2b(number.encode(), digest_size=16, key=self.salt.encode()).hexdigest()

    def _add(self, listing: Listing) -> None:
        forgotten = "SELECT 1 FROM forgotten WHERE id = ?"
        if self._one(forgotten, self.hash_of(listing.id)) is not None:
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
