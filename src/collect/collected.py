"""What a source hands over: its listings, and notes on what was rejected or is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from src.cleaning.picture import read_picture
from src.core.files import replacing


class Note(NamedTuple):
    """Why a listing was rejected, or what is missing from one that was kept."""

    id: str
    reason: str
    detail: str = ""


class Listing(NamedTuple):
    """A row of the raw table; `photo` is relative to the photo folder, `listed` is YYYY-MM-DD."""

    id: str
    title: str
    text: str
    price: float | None
    category: str
    photo: str | None
    seller: str | None
    split: str | None = None
    listed: str | None = None


@dataclass
class Collected:
    """The listings of a source.

    Attributes:
        listings: to be iterated once, in order.
        rejected: why items did not become listings; complete once `listings` is exhausted.
        noted: what is missing from pages and listings; complete once `listings` is exhausted.
        truth: what only the demo knows about its listings.
        read: the number of rows of the user's table; each is collected or rejected.
        said: lines for the user about what was read; complete once `listings` is exhausted.
    """

    listings: Iterable[Listing]
    rejected: list[Note]
    noted: list[Note]
    truth: pd.DataFrame | None = None
    read: int | None = None
    said: list[str] = field(default_factory=list)


def clean_photo(content: bytes) -> bytes:
    """Re-encode an untrusted photo as an upright JPEG that holds pixels and nothing else.

    Raises ValueError with the reason if it is not a JPEG, PNG or WebP, is too large, or broken.
    """
    picture = read_picture(content, formats=("JPEG", "PNG", "WEBP"))
    # Pillow would write comments and other metadata that it read.
    picture.info.clear()
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def store_photo(folder: Path, content: bytes) -> str:
    """Write a photo under the hash of its content; return its path relative to `folder`.

    The type is detected when photos are packed, so the extension is always `.jpg`.
    """
    name = f"{(digest := sha256(content).hexdigest())[:2]}/{digest}.jpg"
    if not (folder / name).exists():
        with replacing(folder / name) as beside:
            beside.write_bytes(content)
    return name


def seller_hash(seller: str, salt: str) -> str:
    """Return a pseudonym that is equal for equal sellers and reveals nothing else."""
    return blake2b(seller.encode(), digest_size=8, key=salt.encode()).hexdigest()
