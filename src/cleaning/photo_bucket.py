"""The user's photos in an S3 bucket, found by the same names as in a folder."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from src.cleaning.photo_folder import (
    CANNOT_READ,
    HIDDEN,
    MAX_FILES,
    NOT_FOUND,
    OUTSIDE,
    PhotoFolder,
    find_photo,
    read_found,
)
from src.cleaning.photo_names import photo_cell
from src.cleaning.picture import MAX_BYTES, TOO_LARGE
from src.core.errors import UserError
from src.core.places import bucket_of, reaching


class PhotoBucket(PhotoFolder):
    """Finds photos below an address as `PhotoFolder` does; a lost connection is no missing photo.

    Raises:
        UserError: now or later, the bucket cannot be read.
    """

    # Each mostly waits for the bucket.
    threads = 16

    def __init__(self, address: str) -> None:
        self.address = address
        self.store, self.root = bucket_of(address)
        super().__init__(Path(self.root))
        self.folder = Path(self.root)

    def exists(self) -> bool:
        with reaching(self.address):
            found: bool = self.store.exists(self.root)
        return found

    def read(self, value: Any) -> bytes:
        cell = photo_cell(value)
        found = find_photo(cell, self)
        if found.path is None:
            return read_found(cell, found)
        with reaching(self.address):
            content: bytes = self.store.cat_file(str(found.path))
        return content

    def _inside(self, name: str) -> Path | str:
        path = posixpath.normpath(posixpath.join(self.root, name))
        if path != self.root and not path.startswith(f"{self.root}/"):
            return OUTSIDE
        if not _may_be_a_key(path):
            return CANNOT_READ
        with reaching(self.address):
            try:
                about = self.store.info(path)
            except FileNotFoundError:
                return NOT_FOUND
            except PermissionError:
                return CANNOT_READ
        if about["type"] != "file":
            return NOT_FOUND
        return TOO_LARGE if about["size"] > MAX_BYTES else Path(path)

    def _paths(self) -> Iterator[str]:
        with reaching(self.address):
            keys = self.store.find(self.root)
        if len(keys) > MAX_FILES:
            raise UserError(f"{self.address} holds more than {MAX_FILES} files; give the folder "
                            "that only has the photos")  # fmt: skip
        for key in keys:
            path = key.removeprefix(f"{self.root}/")
            if not any(HIDDEN.match(part) for part in path.split("/")):
                yield path


def _may_be_a_key(path: str) -> bool:
    """Return whether a bucket can have a file of this name: S3 allows 1,024 bytes."""
    try:
        return len(path.encode()) <= 1024 and path.isprintable()
    except UnicodeEncodeError:
        return False
