"""Names of categories: spellings that look the same are one; near misses are reported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from src.cleaning.cells import is_missing, visible

_LONGEST = 200
# Latin letters and the Cyrillic ones that look like them.
_LOOKALIKE = str.maketrans("aceopxyiskmhtbё3", "асеорхуіѕкмнтве" + "з")


class CategoryCell(NamedTuple):
    """A category; `problem` says why it cannot be used."""

    value: str
    problem: str = ""


def read_category(cell: str) -> CategoryCell:
    """Read a name: NFC, without invisible characters, with single spaces."""
    name = visible(cell)
    if not name:
        return CategoryCell(name, "no category")
    if is_missing(name):
        return CategoryCell(name, "category is a word for a missing value")
    if len(name) > _LONGEST:
        return CategoryCell(name, f"category longer than {_LONGEST} characters")
    return CategoryCell(name)


def nearly_equal(names: Iterable[str]) -> list[list[str]]:
    """Return groups of names that differ only in case, look-alike letters, ё or hyphens."""
    groups = defaultdict(list)
    for name in names:
        groups[_skeleton(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _skeleton(name: str) -> str:
    folded = visible(name).casefold().translate(_LOOKALIKE)
    for dash in "-‐‑‒–—−":
        folded = folded.replace(dash, " ")
    return " ".join(folded.split())
