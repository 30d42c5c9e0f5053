"""Files of this machine by their path, and of S3 buckets by their address: `s3://bucket/folder`.

Buckets are read and written through fsspec, which takes user and server from the environment
(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL …) as other programs do.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from src.core.errors import UserError


class PlacedFile(NamedTuple):
    """A file: its path or address, its size in bytes, and when it was written, in seconds."""

    place: str
    size: int
    written: float

    @property
    def name(self) -> str:
        return self.place.rpartition("/")[2]


def is_address(place: str) -> bool:
    """Return whether a place is in a bucket and not on this machine."""
    return "://" in place


def absolute(place: str) -> str:
    """Return a place that means the same in another working folder."""
    return place if is_address(place) else str(Path(place).absolute())


def folder_of(place: str) -> str:
    """Return the folder that a file is in."""
    return place.rpartition("/")[0] if is_address(place) else str(Path(place).parent)


def inside(folder: str, name: str) -> str:
    """Return the place of a file in a folder."""
    return f"{folder.rstrip('/')}/{name}" if is_address(folder) else str(Path(folder) / name)


def matching(pattern: str) -> list[PlacedFile]:
    """Return the files that a pattern such as `ads/*.parquet` fits, sorted; a name fits itself.

    Their paths are absolute.

    Raises:
        UserError: there is none, or the bucket cannot be read.
    """
    if is_address(pattern):
        store, path = bucket_of(pattern)
        with reaching(pattern):
            if glob.has_magic(path):
                about = store.glob(path, detail=True).values()
            else:
                about = [store.info(path)] if store.exists(path) else []
        found = [_in_bucket(one) for one in about if one["type"] == "file"]
    else:
        given = Path(pattern).absolute()
        root = Path(given.anchor)
        # A name may have brackets in it.
        names = [given] if given.exists() else root.glob(str(given.relative_to(root)))
        found = [_on_disk(name) for name in names if name.is_file()]
    if not found:
        raise UserError(f"{pattern}: there is no such file; give a CSV or Parquet file of listings")
    return sorted(found)


def files_in(folder: str) -> dict[str, PlacedFile]:
    """Return the files that lie in a folder, by their names; none if there is no such folder."""
    if not is_address(folder):
        names = list(Path(folder).iterdir()) if Path(folder).is_dir() else []
        return {name.name: _on_disk(name) for name in names if name.is_file()}
    store, path = bucket_of(folder)
    with reaching(folder):
        about = store.ls(path, detail=True) if store.exists(path) else []
    found = [_in_bucket(one) for one in about if one["type"] == "file"]
    return {file.name: file for file in found}


@contextmanager
def fetched(place: str) -> Iterator[Path]:
    """Yield a file with what is at a place: itself, or a copy that is deleted at the end.

    Raises:
        UserError: the bucket cannot be read.
    """
    if not is_address(place):
        yield Path(place)
        return
    store, path = bucket_of(place)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / place.rpartition("/")[2]
        with reaching(place):
            store.get_file(path, str(copy))
        yield copy


@contextmanager
def written(place: str) -> Iterator[Path]:
    """Yield a path to write a whole file to, as `replacing` does; it is then put into the bucket.

    An object of a bucket appears whole or not at all.

    Raises:
        UserError: the bucket cannot be written.
    """
    if not is_address(place):
        yield Path(place)
        return
    store, path = bucket_of(place)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / place.rpartition("/")[2]
        yield copy
        with reaching(place):
            store.put_file(str(copy), path)


def bucket_of(address: str) -> tuple[Any, str]:
    """Return what reads buckets, an fsspec file system, and the path inside.

    Raises:
        UserError: the address is none of S3, or the package for it is not installed.
    """
    if not address.startswith("s3://"):
        raise UserError(f"{address}: expected a path of this machine, or s3://BUCKET/FOLDER")
    if find_spec("s3fs") is None:
        raise UserError(f"{address} needs s3fs: pip install '.[cluster]'")
    import s3fs

    # Other programs write there, too.
    store = s3fs.S3FileSystem(use_listings_cache=False)
    return store, address.removeprefix("s3://").rstrip("/")


@contextmanager
def reaching(place: str) -> Iterator[None]:
    """Turn what goes wrong on the way to a bucket into one line.

    Raises:
        UserError: the bucket cannot be reached, or does not allow it.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # each store has errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"{place}: {reason}; check the name, and what the environment says of the user and "
            "the server"
        ) from error


def _on_disk(path: Path) -> PlacedFile:
    stat = path.stat()
    return PlacedFile(str(path), stat.st_size, stat.st_mtime)


def _in_bucket(about: dict[str, Any]) -> PlacedFile:
    return PlacedFile(f"s3://{about['name']}", about["size"], about["LastModified"].timestamp())
