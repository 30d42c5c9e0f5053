"""Writing so that a kill or a full disk never leaves half a file: write beside, then rename."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move what was written there into place at the end.

    Works for a file and for a folder. On any error the temporary is removed and what stood at
    `path` before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    _remove(beside)
    try:
        yield beside
        if path.is_dir():
            shutil.rmtree(path)
        beside.replace(path)
    finally:
        _remove(beside)


def write_json(path: Path, content: Any) -> None:
    """Write JSON with sorted keys and a last newline, so that equal content is equal bytes."""
    with replacing(path) as beside:
        text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)
        beside.write_text(text + "\n", encoding="utf-8")


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays for `np.load`, without pickle; equal content is equal bytes.

    numpy's own savez leaves it to the release of Python what stands in the archive's headers.
    """
    # Imported late: most that write files have no arrays.
    import numpy as np

    with replacing(path) as beside, ZipFile(beside, "w") as archive:
        for name, array in arrays.items():
            content = BytesIO()
            np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
            archive.writestr(ZipInfo(f"{name}.npy"), content.getvalue())


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
