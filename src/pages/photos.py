"""Photos for a page: decoded and encoded anew, so that no file is served as it is."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Protocol

import pandas as pd

from src.cleaning.picture import PhotoError, read_photo, read_picture

SIDE = 640


def as_jpeg(content: bytes, side: int = SIDE) -> bytes:
    """Return a photo, upright and at most `side` pixels wide and high; raises PhotoError."""
    image = read_picture(content, at_least=side)
    image.thumbnail((side, side))
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=85)
    return encoded.getvalue()


class Photos(Protocol):
    """The photos of listings, by their ids."""

    def has(self, listing: str) -> bool:
        """Return whether a listing names a photo."""

    def jpeg(self, listing: str) -> bytes | None:
        """Return the photo of a listing; None if it has none, or none that can be read."""


class GivenPhotos:
    """Photos that are JPEG already."""

    def __init__(self, photos: Mapping[str, bytes]) -> None:
        self.photos = photos

    def has(self, listing: str) -> bool:
        return listing in self.photos

    def jpeg(self, listing: str) -> bytes | None:
        return self.photos.get(listing)


NO_PHOTOS = GivenPhotos({})


class CollectedPhotos:
    """The photos of the collected listings, by their ids.

    Args:
        data: the folder of the stages' results; without listings in it there are no photos.
    """

    def __init__(self, data: Path) -> None:
        self.folder = data / "raw" / "photos"
        listings = data / "raw" / "listings.parquet"
        self.names: dict[str, str] = {}
        if listings.exists():
            raw = pd.read_parquet(listings, columns=["id", "photo"]).dropna()
            self.names = dict(zip(raw["id"], raw["photo"], strict=True))

    def has(self, listing: str) -> bool:
        return listing in self.names

    def jpeg(self, listing: str) -> bytes | None:
        if listing not in self.names:
            return None
        try:
            return as_jpeg(read_photo(self.folder / self.names[listing]))
        except PhotoError:
            return None
