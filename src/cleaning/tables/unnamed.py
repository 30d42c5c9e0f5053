"""A cell too many in each row: a separator at the end, or a name that the header lacks in front."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_ID = re.compile(r"(^|[\W_])(id|ид|№|no|nr|num|number|номер|код|code|sku|артикул)($|[\W_])")
_PRICE = re.compile(r"price|cost|цена|стоимость|preis|prix|precio")
# As people write prices; a longer word is none of theirs.
_LONGEST_UNIT = 6


def named_rightly(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool | None:
    """Return whether the names belong to the first cells of the rows, or to those after the first.

    Columns of ids and of prices tell. Else the first cells do: if they may be numbers of rows, as R
    writes them without a name, it cannot be told, which is None.

    Args:
        rows: with one cell more than the header has names.
    """
    names = [name.lower() for name in header]
    ahead = sum(_agree(name, [row[n] for row in rows]) for n, name in enumerate(names))
    behind = sum(_agree(name, [row[n + 1] for row in rows]) for n, name in enumerate(names))
    if ahead != behind:
        return ahead > behind
    first = [row[0].strip() for row in rows]
    # R's names of rows are numbers as a rule, and each occurs once.
    return None if len(set(first)) == len(first) and all(map(str.isdecimal, first)) else True


def _agree(name: str, cells: Sequence[str]) -> int:
    """Return 1 if the cells are what a name says, -1 if they are not, 0 if it says nothing."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled or not (_ID.search(name) or _PRICE.search(name)):
        return 0
    if _PRICE.search(name):
        agrees = _share(_like_price, filled) > 0.75
    else:
        # Of tables that were joined, one row may occur twice.
        agrees = _share(_like_id, filled) > 0.75 and len(set(filled)) * 2 >= len(filled)
    return 1 if agrees else -1


def _share(like: Callable[[str], bool], cells: Sequence[str]) -> float:
    return sum(map(like, cells)) / len(cells)


def _like_id(cell: str) -> bool:
    return " " not in cell and any(map(str.isdecimal, cell))


def _like_price(cell: str) -> bool:
    letters = sum(map(str.isalpha, cell))
    return letters <= _LONGEST_UNIT and any(map(str.isdecimal, cell))
