"""What a file holds, told by its first bytes and not by its name."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import IO, NoReturn, cast

from src.core.errors import UserError

PARQUET_SUFFIXES = (".parquet", ".pq")
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
# Formats that are refused by name; the first bytes of each.
_OTHERS = (
    (b"PK\x03\x04", "an Excel workbook (.xlsx) or another ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls)"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"\xfd7zXZ\x00", "compressed by xz"),
    (b"BZh91AY&SY", "compressed by bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"ARROW1", "an Arrow file"),
    (b"FEA1", "a Feather file"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"%PDF", "a PDF"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"<", "HTML or XML"),
    (b"version https://git-lfs", "a pointer of Git LFS and not the file itself"),
)
# Not every bracket: a column may be called [id].
_JSON = re.compile(rb'\[\s*[{\["\]]|\{\s*["}]')


def holds_parquet(path: Path) -> bool:
    """Return whether a file is to be read as Parquet; CSV is what is left.

    Raises:
        UserError: no file, an empty one, or of another format, which is named.
    """
    if not path.exists():
        raise UserError(f"{path}: there is no such file; give a CSV or Parquet file of listings")
    if not path.is_file():
        raise UserError(f"{path} is not a file; give a CSV or Parquet file of listings")
    head = _head(path)
    if head.startswith(_PARQUET):
        return True
    with open_bytes(path) as file:
        head = file.read(64)
    if head.startswith(_PARQUET):
        raise UserError(f"{path} is a Parquet file that gzip has compressed; unpack it first")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, name in _OTHERS:
        if head.startswith(magic) or text.startswith(magic):
            _refuse(path, name)
    if _JSON.match(text):
        _refuse(path, "JSON")
    if not text:
        raise UserError(f"{path} is empty; expected a line with the names of the columns")
    if path.suffix.lower() in PARQUET_SUFFIXES:
        raise UserError(
            f"{path} does not begin as a Parquet file does; make it anew, or name it .csv if it is "
            "one"
        )
    return False


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading; one compressed by gzip is unpacked."""
    if _head(path).startswith(_GZIP):
        return cast(IO[bytes], gzip.open(path))
    return path.open("rb")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _refuse(path: Path, name: str) -> NoReturn:
    raise UserError(f"{path} is {name}; save the table as CSV (UTF-8) or as Parquet")
