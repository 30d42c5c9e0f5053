"""Where the user's table and photos are: only inside the folder that DVC watches."""

from __future__ import annotations

import os
from pathlib import Path

from src.core.errors import UserError
from src.core.schema import Table


def file_in_folder(settings: Table) -> Path:
    """Return the table's path; raises UserError if it is missing or DVC does not watch it."""
    return _inside(settings, "path", "the CSV or Parquet file of listings")


def photo_folder(settings: Table) -> Path:
    """Return the photos' folder; raises UserError as `file_in_folder`, or if it is no folder."""
    what = 'the folder of photos, or set collect.table.columns.photo to ""'
    folder = _inside(settings, "photos", what)
    if not folder.is_dir():
        raise UserError(f"collect.table.photos: {folder} is not a folder; give {what}")
    return folder


def _inside(settings: Table, name: str, what: str) -> Path:
    value = getattr(settings, name)
    if not value:
        raise UserError(f"collect.table.{name} is empty; give {what}")
    # Relative to where the stage runs, as DVC reads it: a queued experiment has its own copy.
    folder = Path(settings.folder)
    path = folder / value
    if path.is_symlink() and not path.exists():
        raise UserError(
            f"collect.table.{name}: {path} is a link to {path.readlink()}, which does not exist; "
            f"give {what}"
        )
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"collect.table.{name}: {path} is outside {folder}, so DVC would not see it change; "
            f"move it there, or set collect.table.folder"
        )
    if not path.exists():
        raise UserError(
            f"collect.table.{name}: {path} does not exist{_queue_hint(path)}; give {what}"
        )
    return path


def _queue_hint(path: Path) -> str:
    root = os.environ.get("DVC_ROOT", "")
    if not root or Path(root).resolve() == Path.cwd():
        return ""
    return (
        f" in this experiment's copy of the repository: queue it with --copy-paths {path}, or set "
        "collect.table.folder to a full path"
    )
