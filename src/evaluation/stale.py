"""Removing what earlier runs left of rows that params.yaml no longer names."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from src.core.schema import Rows

_ROW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def remove_stale_rows(data: Path, rows: Rows) -> list[Path]:
    """Remove the outputs of rows that are not among `rows`; return what was removed.

    Stages that read every row depend on these folders as a whole, for dvc.yaml cannot expand a
    list of rows into dependencies. DVC leaves the files of a removed row there, and they would
    change the folders' hashes. DVC hashes dependencies for dvc.lock after the stage has run, so
    the lock then depends on the named rows alone. What is removed here stays in DVC's cache.

    Only folders named like a row in `data`/weights, `data`/checkpoints and `data`/embeddings and
    files <row>.npz in `data`/predictions are ever removed.
    """
    named = {*rows.image, *rows.text, *rows.fused, "leaky"}
    outputs = [path for path in (data / "predictions").glob("*.npz") if path.is_file()]
    for folder in ("weights", "checkpoints", "embeddings"):
        outputs += [path for path in (data / folder).glob("*") if path.is_dir()]
    stale = []
    for path in sorted(outputs):
        name = path.name.removesuffix(".npz")
        if _ROW_NAME.fullmatch(name) and name not in named:
            stale.append(path)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    return stale
