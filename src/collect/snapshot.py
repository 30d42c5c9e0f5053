"""What a crawl has collected so far: the same store always gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from src.collect.collected import Collected, Listing, Note, store_photo
from src.collect.store import Store

_LISTINGS = (
    "SELECT id, title, text, price, category, photo, seller, NULL, listed FROM listings"
    " ORDER BY length(id), id"
)
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
_DAMAGED = (
    "UPDATE listings SET state = 'failed', photo = NULL, reason = 'damaged on disk, run again'"
    " WHERE id = ?"
)


def snapshot(store: Store, photos: Path) -> Collected:
    """Return all listings ordered by id, and copy their photos into the folder `photos`.

    A photo damaged on disk is left out; the next run fetches it again.
    """
    collected = Collected(listings=(), rejected=[], noted=[])

    def listings() -> Iterator[Listing]:
        damaged = []
        for row in store.db.execute(_LISTINGS):
            listing = Listing(*row)
            if listing.photo is not None and not _copy(store.photos / listing.photo, photos):
                damaged.append((listing.id,))
                listing = listing._replace(photo=None)
            yield listing
        store.db.executemany(_DAMAGED, damaged)
        collected.rejected += (Note(*row) for row in store.db.execute(_REJECTED))
        collected.noted += (Note(*row) for row in store.db.execute(_NOTED))

    collected.listings = listings()
    return collected


def _copy(photo: Path, photos: Path) -> bool:
    try:
        content = photo.read_bytes()
    except FileNotFoundError:
        return False
    return photo.stem == sha256(content).hexdigest() and bool(store_photo(photos, content))
