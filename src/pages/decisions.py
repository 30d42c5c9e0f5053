"""What a person decides on a page, written to that person's file at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from src.prepare.corrections import Correction, read_corrections, write_corrections


def file_of(folder: Path, by: str) -> Path:
    """Return the file of a person's decisions; what no file name may hold becomes `_`."""
    name = re.sub(r"[^\w-]+", "_", by)[:60]
    return folder / f"{name or '_'}.csv"


class Decisions:
    """One person's file of decisions.

    The file is read before each change, and what others decided in it stays: another page may have
    written it, or an import from Label Studio, or a person whose name makes the same file name.

    Args:
        path: the file; it need not exist.
        by: the person.

    Raises:
        UserError: the file is no file of corrections.
    """

    def __init__(self, path: Path, by: str) -> None:
        self.path, self.by = path, by
        # Of this session, with what stood in the file before.
        self._made: list[tuple[str, list[Correction]]] = []
        self._lock = Lock()
        self.read()

    def read(self) -> list[Correction]:
        """Return what the file holds."""
        return read_corrections(self.path) if self.path.exists() else []

    def decide(self, listing: str, category: str, was: str) -> None:
        """Write a decision in place of this person's former one on the listing."""
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        with self._lock:
            self._replace(listing, [Correction(listing, category, was, self.by, at)], note=True)

    def undo(self) -> str | None:
        """Take back this session's last decision; return its listing, None if there is none."""
        with self._lock:
            if not self._made:
                return None
            listing, before = self._made.pop()
            self._replace(listing, before)
            return listing

    def _replace(self, listing: str, now: list[Correction], note: bool = False) -> None:
        before: list[Correction] = []
        others: list[Correction] = []
        for one in self.read():
            (before if (one.id, one.by) == (listing, self.by) else others).append(one)
        write_corrections([*others, *now], self.path)
        if note:
            self._made.append((listing, before))
