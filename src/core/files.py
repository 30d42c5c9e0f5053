"""Files that are written whole or not at all: write to a temporary path, then rename it."""

from __future__ import annotations

import errno
import glob
import json
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from zipfile import ZipFile, ZipInfo

from src.core.errors import FULL_BYTES, UserError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; at the end, move what was written there to `path`.

    On any error the temporary path is removed and `path` stays as it was, so a kill or a full disk
    never leaves half a file. A folder takes the place of a folder, a file that of a file or a link.

    Raises:
        OSError: the disk is full; so whatever a library raises then.
        IsADirectoryError: a file was written, and `path` is a folder.
        NotADirectoryError: a folder was written, and `path` is a file or a link.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{_short(path)}.{os.getpid()}-{threading.get_ident()}.part")
    _remove(temporary)
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        temporary.replace(path)
    except Exception as error:
        # Libraries say so in their own words, if at all; afterwards there is room again.
        known = isinstance(error, (OSError, UserError))
        if not known and shutil.disk_usage(path.parent).free < FULL_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise
    finally:
        _remove(temporary)


def remove_left_over(path: Path) -> None:
    """Delete what killed processes left of `replacing` this path; none may be writing it now."""
    for part in path.parent.glob(f".{glob.escape(_short(path))}.*.part"):
        _remove(part)


def write_json(path: Path, content: Any) -> None:
    """Write JSON with sorted keys and a final newline; equal content gives equal bytes."""
    with replacing(path) as temporary:
        text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file in UTF-8."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays for `np.load`, without pickle; equal content gives equal bytes.

    `np.savez` is not used because the headers of its archive depend on the version of Python.

    Raises:
        ValueError: an array holds Python objects, which would need pickle.
    """
    # Imported late: most files that are written hold no arrays.
    import numpy as np

    with replacing(path) as temporary, ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            content = BytesIO()
            np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
            archive.writestr(ZipInfo(f"{name}.npy"), content.getvalue())


def _short(path: Path) -> str:
    """Return a file's name, or its hash: with an ending a long one is too long for some disks."""
    name = os.fsencode(path.name)
    return path.name if len(name) < 200 else sha256(name).hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def require_writable(out: Path) -> None:
    """Check that results can be written at a place, a file or a folder that may not exist yet.

    Raises:
        UserError: no file can be written there.
    """
    # Missing folders are made, inside the last one that exists.
    place = out.absolute()
    folder = next(one for one in (place, *place.parents) if one.is_dir())
    try:
        with NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"{out}: no file can be written in {folder} ({error.strerror}); give --out another "
            "folder"
        ) from error
