"""The user's folder of photos: finds what a cell names, and nothing outside the folder."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import unquote

from src.cleaning.photo_names import (
    PhotoCell,
    common_folders,
    extension,
    folders_and_name,
    is_web_address,
    key,
    photo_cell,
    shared,
    split_names,
)
from src.cleaning.picture import PhotoError, check_length, read_photo
from src.core.errors import UserError

# Why there is no photo.
NOT_FOUND = "not in the folder"
OUTSIDE = "outside the folder"
_BROKEN_LINK = "is a link to a file that does not exist"
_SEVERAL_FIT = "name fits several files in the folder"
_WEB_ADDRESS = "is a web address, not a file in the folder"
CANNOT_READ = "cannot be read"

MAX_FILES = 5_000_000
_WHOLE = re.compile(r"^(\d+)\.0$")
# Files and folders that people do not see.
HIDDEN = re.compile(r"\.|__MACOSX$")
# What matters of the files that a name fits is whether there is more than one. `upward` is the
# path's key from its end, so that files in the folders that a name begins with lie together.
_FITTING = "SELECT path FROM files WHERE upward BETWEEN ? AND ?{} LIMIT 2"
_INDEX = """
    CREATE TABLE files (path BLOB, upward BLOB, type TEXT);
    PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
"""


class FoundPhoto(NamedTuple):
    """The file that a cell names, or why there is none.

    Attributes:
        path: the file, inside the folder and without links.
        problem: why there is none; '' if the file was found.
        as_named: whether the folder has it under exactly the name in the cell.
        several: whether the cell names more than one photo.
    """

    path: Path | None
    problem: str = ""
    as_named: bool = True
    several: bool = False


class PhotoFolder:
    """Finds photos by the names in a table's cells; a context manager, safe for threads.

    A name is taken as it is. Where there is no such file, the one file is taken that differs only
    in case, Unicode form, slashes, percent signs, the spelling of JPEG, a missing ending, or in
    folders at the front: a name may lack some, and may have more if they are the end of the
    folder's own path or all names begin with them (`learn`). Where two files fit, none is taken.

    The folder is listed once, when a name is first not found as it is, into a temporary database
    on disk, so memory does not grow with the number of files.

    Attributes:
        threads: how many photos are best read at once; None for one per processor.
    """

    threads: int | None = None

    def __init__(self, folder: Path) -> None:
        """`folder` must exist; its own path may lead through links, but no photo in it may."""
        # Path.resolve raises on links that lead in a circle.
        self.folder = Path(os.path.realpath(folder))
        self.common: list[str] | None = None
        self._lock = threading.Lock()
        self._index: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    def exists(self) -> bool:
        """Return whether there is such a folder."""
        return self.folder.is_dir()

    def learn(self, cells: Iterable[PhotoCell]) -> None:
        """Note which folders all names, of these cells and those before, begin with.

        Give it all cells of a table before the first is looked up.
        """
        common = common_folders(cells)
        if common is not None:
            self.common = common if self.common is None else shared(self.common, common)

    def find(self, cell: PhotoCell) -> FoundPhoto:
        """Find the first photo that a cell names; the next one only if the first is not there."""
        names = cell.names
        if len(names) == 1:
            # A text is one name, or several if there is no such file.
            whole = self._find_one(names[0])
            names = split_names(names[0])
            if whole.path is not None or names == cell.names:
                return whole
        found = [FoundPhoto(None, NOT_FOUND)]
        for name in names:
            found.append(self._find_one(name))
            if found[-1].path is not None:
                return found[-1]._replace(several=len(names) > 1)
        return found[min(1, len(names))]._replace(several=len(names) > 1)

    def read(self, value: Any) -> bytes:
        """Return the photo that a cell holds or names; raises PhotoError with the reason."""
        cell = photo_cell(value)
        return read_found(cell, find_photo(cell, self))

    def files(self) -> tuple[int, str]:
        """Return how many files the folder has, and one of them as an example."""
        with self._lock:
            count, path = self._files().execute("SELECT count(*), min(path) FROM files").fetchone()
        return count, os.fsdecode(path or b"")

    def _find_one(self, name: str) -> FoundPhoto:
        inside = self._inside(name)
        if isinstance(inside, Path):
            return FoundPhoto(inside)
        # Numbers of a column with gaps were written as 17.0.
        for spelling in dict.fromkeys((name, unquote(name), _WHOLE.sub(r"\1", name))):
            for parts in self._without_front(folders_and_name(spelling)):
                alike = self._alike(parts)
                if len(alike) > 1:
                    return FoundPhoto(None, _SEVERAL_FIT)
                if alike:
                    inside = self._inside(alike[0])
                if isinstance(inside, Path):
                    return FoundPhoto(inside, as_named=False)
        return FoundPhoto(None, _WEB_ADDRESS if is_web_address(name) else inside)

    def _inside(self, name: str) -> Path | str:
        """Return the file of this name in the folder, or the problem."""
        try:
            # resolve() follows links, so a link that leads out of the folder is caught as well.
            given = self.folder / name
            path = given.resolve()
            inside = path.is_relative_to(self.folder)
            if inside and path.is_file():
                return path
            if given.is_symlink() and not path.exists():
                return _BROKEN_LINK
            return NOT_FOUND if inside else OUTSIDE
        except (OSError, ValueError, RuntimeError):
            return CANNOT_READ

    def _without_front(self, parts: list[str]) -> Iterator[list[str]]:
        """Yield the parts of a path, first all, then without the folders that may be left out."""
        if parts:
            yield parts
        common, own = self.common or [], [part.casefold() for part in self.folder.parts]
        for front in range(1, len(parts)):
            left_out = parts[:front]
            if left_out == common[:front] or [p.casefold() for p in left_out] == own[-front:]:
                yield parts[front:]

    def _alike(self, parts: list[str]) -> list[str]:
        """Return the paths in the folder that a name fits: one, or several that fit equally."""
        path = "/".join(parts)
        upward, wanted = _upward(path), extension(path)
        # A file without a type may be of any; "0" is the sign after the slash at the end.
        of_types = [(" AND type = ?", (of,)) for of in (wanted, "")] if wanted else [("", ())]
        with self._lock:
            for last in (upward, upward[:-1] + b"0"):
                for where, types in of_types:
                    query = _FITTING.format(where)
                    if found := self._files().execute(query, (upward, last, *types)).fetchall():
                        return [os.fsdecode(one) for (one,) in found]
        return []

    def _files(self) -> sqlite3.Connection:
        if self._index is None:
            # Without a name it is a temporary file that SQLite deletes.
            self._index = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._index.executescript(_INDEX)
            self._index.execute("BEGIN")
            rows = ((os.fsencode(path), _upward(path), extension(path)) for path in self._paths())
            self._index.executemany("INSERT INTO files VALUES (?, ?, ?)", rows)
            self._index.execute("CREATE INDEX by_path ON files (upward)")
            self._index.execute("CREATE INDEX by_type ON files (type, upward)")
            self._index.execute("COMMIT")
        return self._index

    def _paths(self) -> Iterator[str]:
        """Yield the path of each file below the folder, from the folder on; hidden files are left
        out. Raises UserError if there are too many.
        """
        return _paths_below(self.folder)


def find_photo(cell: PhotoCell, folder: PhotoFolder | None) -> FoundPhoto:
    """Return where the photo that a cell names is; `path` is None if the cell holds it.

    Args:
        folder: where the names are looked up; None: the cell holds the photo.

    Raises:
        PhotoError: with the reason why there is no photo.
    """
    if cell.content is not None:
        return FoundPhoto(None)
    found = folder.find(cell) if folder else FoundPhoto(None, NOT_FOUND)
    if found.path is None:
        raise PhotoError(found.problem)
    return found


def read_found(cell: PhotoCell, found: FoundPhoto) -> bytes:
    """Return the photo of `find_photo`; raises PhotoError if it cannot be read or is too large."""
    if found.path is None:
        return check_length(cell.content or b"")
    return read_photo(found.path)


def _paths_below(folder: Path) -> Iterator[str]:
    """Yield what `PhotoFolder._paths` says; links to folders are left out, too."""
    waiting, files = [""], 0
    while waiting:
        below = waiting.pop()
        try:
            entries = os.scandir(folder / below)
        except OSError:
            continue
        with entries:
            for entry in entries:
                if HIDDEN.match(entry.name):
                    continue
                path = below + entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path + "/")
                else:
                    files += 1
                    if files > MAX_FILES:
                        raise UserError(
                            f"{folder} holds more than {MAX_FILES} files; give the folder that "
                            "only has the photos"
                        )
                    yield path


def _upward(path: str) -> bytes:
    """Return a path's key with its parts from the last to the first: b"main/7/images/"."""
    upward = "".join(f"{part.strip()}/" for part in reversed(key(path).split("/")))
    # The name of a file may hold bytes that are no UTF-8, and a cell anything.
    return upward.encode("utf-8", "surrogatepass")
