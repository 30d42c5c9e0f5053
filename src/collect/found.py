"""What a source hands over: the listings, and what was set aside or lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from pathlib import Path
from typing import NamedTuple

import pandas as pd


class Note(NamedTuple):
    """Why a listing was set aside, or what of a kept one is missing."""

    id: str
    reason: str
    detail: str = ""


class Listing(NamedTuple):
    """A row of the raw table; `photo` is relative to the photo folder."""

    id: str
    title: str
    text: str
    price: float | None
    category: str
    photo: str | None
    seller: str | None
    part: str | None = None
    listed: str | None = None


@dataclass
class Found:
    """`rejected` listings are not among `listings`; `noted` ones are, with something missing."""

    listings: list[Listing] = field(default_factory=list)
    rejected: list[Note] = field(default_factory=list)
    noted: list[Note] = field(default_factory=list)
    # What only the demo knows about its listings.
    truth: pd.DataFrame | None = None

    def keep(self, listing: Listing) -> None:
        """Add a listing, or set it aside when it has neither text nor photo."""
        if listing.title or listing.text or listing.photo:
            self.listings.append(listing)
        else:
            self.rejected.append(Note(listing.id, "neither text nor photo"))


def store_photo(folder: Path, content: bytes) -> str:
    """Write a photo under a name made of its content alone; return the name relative to `folder`.

    The type is told from the content when photos are packed, so the ending is always `.jpg`.
    """
    digest = sha256(content).hexdigest()
    path = folder / digest[:2] / f"{digest}.jpg"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return f"{digest[:2]}/{digest}.jpg"


def seller_hash(seller: str, seed: int) -> str:
    """A name for grouping only: the same seller gives the same one, and it leads nowhere else."""
    return blake2b(seller.encode(), digest_size=8, key=str(seed).encode()).hexdigest()
