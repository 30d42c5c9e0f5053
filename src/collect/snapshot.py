"""What a crawl has gathered, as it stands: the same store always gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from src.collect.found import Found, Listing, Note, store_photo
from src.collect.store import Store


def snapshot(store: Store, photos: Path) -> Found:
    """All listings in the order of their ids; their photos are copied into the folder `photos`.

    A photo that was damaged on the disk is not passed on, and asked for again in another run.
    """
    found = Found(listings=(), rejected=[], noted=[])

    def listings() -> Iterator[Listing]:
        query = (
            "SELECT id, title, text, price, category, photo, seller, listed FROM listings"
            " ORDER BY length(id), id"
        )
        damaged = []
        for number, title, text, price, category, photo, seller, listed in store.db.execute(query):
            if photo is not None and not _copy(store.photos / photo, photos):
                damaged.append((number,))
                photo = None
            yield Listing(number, title, text, price, category, photo, seller, None, listed)
        lost = "damaged on the disk, run again"
        store.db.executemany(
            f"UPDATE listings SET state = 'failed', photo = NULL, reason = '{lost}' WHERE id = ?",
            damaged,
        )
        found.rejected += _notes(store, _REJECTED)
        found.noted += _notes(store, _NOTED)

    found.listings = listings()
    return found


# What never became a listing.
_REJECTED = (
    "SELECT id, reason, detail FROM notes WHERE kind = 'rejected'"
    " AND id NOT IN (SELECT id FROM listings) ORDER BY length(id), id, reason, detail"
)
# What pages and listings lack.
_NOTED = (
    "SELECT id, reason, detail FROM notes WHERE kind = 'noted' UNION ALL"
    " SELECT id, 'photo: ' || reason, '' FROM listings WHERE reason IS NOT NULL ORDER BY 2, 1, 3"
)


def _notes(store: Store, query: str) -> list[Note]:
    return [Note(*row) for row in store.db.execute(query)]


def forget(store: Store, number: str) -> bool:
    """Delete a listing, its notes and its photo, for good: it is not collected again.

    Returns whether it was there.
    """
    row = store.db.execute("SELECT photo FROM listings WHERE id = ?", (number,)).fetchone()
    with store.transaction():
        store.db.execute("INSERT OR IGNORE INTO forgotten VALUES (?)", (store.hash_of(number),))
        store.db.execute("DELETE FROM listings WHERE id = ?", (number,))
        store.db.execute("DELETE FROM notes WHERE id = ?", (number,))
    if row and row[0]:
        shared = store.db.execute("SELECT 1 FROM listings WHERE photo = ?", row).fetchone()
        if shared is None:
            (store.photos / row[0]).unlink(missing_ok=True)
    # Else the deleted text could still be read in the free pages and in the log.
    store.db.executescript("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
    return row is not None


def _copy(photo: Path, photos: Path) -> bool:
    try:
        content = photo.read_bytes()
    except FileNotFoundError:
        return False
    return photo.stem == sha256(content).hexdigest() and bool(store_photo(photos, content))
