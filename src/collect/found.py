"""What a source hands over: the listings, and what was set aside or lost on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b, sha256
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from src.cleaning.picture import read_picture
from src.core.files import replacing


class Note(NamedTuple):
    """Why a listing was set aside, or what of a kept one is missing."""

    id: str
    reason: str
    detail: str = ""


class Listing(NamedTuple):
    """A row of the raw table; `photo` is relative to the photo folder, `listed` an ISO date."""

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
class Found:
    """`rejected` listings are not among `listings`; `noted` ones are, with something missing.

    `listings` are read once, in order; `rejected` and `noted` are whole only after that.
    """

    listings: Iterable[Listing]
    rejected: list[Note]
    noted: list[Note]
    # What only the demo knows about its listings.
    truth: pd.DataFrame | None = None


def clean_photo(content: bytes) -> bytes:
    """A stranger's photo as a JPEG of our own making: upright, and nothing in it but the picture.

    Raises ValueError with the reason when it is no JPEG, PNG or WebP, too large, or broken.
    """
    picture = read_picture(content, formats=("JPEG", "PNG", "WEBP"))
    # Pillow would write comments and the like, which it read, out again.
    picture.info.clear()
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def store_photo(folder: Path, content: bytes) -> str:
    """Write a photo under a name made of its content alone; return the name relative to `folder`.

    The type is told from the content when photos are packed, so the ending is always `.jpg`.
    """
    name = f"{(digest := sha256(content).hexdigest())[:2]}/{digest}.jpg"
    if not (folder / name).exists():
        with replacing(folder / name) as beside:
            beside.write_bytes(content)
    return name


def seller_hash(seller: str, salt: str) -> str:
    """A name for grouping only: the same seller gives the same one, and it leads nowhere else."""
    return blake2b(seller.encode(), digest_size=8, key=salt.encode()).hexdigest()
