"""Tables in parts on a Ray cluster, as large as the disks of its machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.util import hash_pandas_object

from src.core.cluster import why_it_died
from src.core.errors import UserError

if TYPE_CHECKING:
    from ray import ObjectRef

# A table: its parts, each in pieces that a task puts together. Plain tasks, not Ray Data: an
# exchange of rows is a dozen lines, its pieces spill to disk, and a lost one is made again.
TableParts = list[list["ObjectRef[pd.DataFrame]"]]


def over(function: Callable[..., pd.DataFrame], *tables: TableParts, **given: Any) -> TableParts:
    """Return what `function` makes of each part, in a task for each.

    Args:
        function: called with a part of every table, and with `given`.
        tables: with the same number of parts.
    """
    task = _task(_applied, 1)
    return [
        [task.remote(function, given, [len(part) for part in parts], *chain(*parts))]
        for parts in zip(*tables, strict=True)
    ]


def by_key(table: TableParts, key: str, columns: Sequence[str] = (), count: int = 0) -> TableParts:
    """Bring all rows of equal `key` into one part; those without a key are left out.

    Equal keys of one type meet in the same part, whichever table they come from.

    Args:
        key: a column; `part` says itself where each row goes, and is left out there.
        columns: what to keep, if not all.
        count: of parts, if not as many as before.
    """
    count = count or len(table)
    split = [_task(_split, count).remote(key, columns, count, *pieces) for pieces in table]
    return [split] if count == 1 else [list(pieces) for pieces in zip(*split, strict=True)]


def put(parts: Iterable[pd.DataFrame]) -> TableParts:
    """Return a table of these parts."""
    import ray

    return [[ray.put(part)] for part in parts]


def whole_of(table: TableParts) -> pd.DataFrame:
    """Return the whole of a table that fits in memory, its parts one after the other.

    Raises:
        UserError: a task died again and again, as of too little memory.
    """
    import ray

    try:
        found = [piece for pieces in table for piece in ray.get(pieces)]
    except ray.exceptions.RayError as error:
        raise UserError(
            f"a task on Ray died ({why_it_died(error)}); see whether its machine has enough memory "
            "and disk: all listings of one seller, photo or text are in one task"
        ) from error
    return pd.concat(found, ignore_index=True)


def done(table: TableParts) -> TableParts:
    """Return a table once all its parts are there, so that what they were made of is given up."""
    import ray

    pieces = list(chain(*table))
    ray.wait(pieces, num_returns=len(pieces), fetch_local=False)
    return table


def together(*tables: TableParts) -> TableParts:
    """Return one table with the rows of all; part by part, if they have the same columns."""
    return [list(chain(*parts)) for parts in zip(*tables, strict=True)]


def part_of(keys: pd.Series, count: int) -> NDArray[np.int64]:
    """Return the part of each key, 0 to `count` - 1, by its hash, [N]."""
    return (hash_pandas_object(keys, index=False).to_numpy() % count).astype(np.int64)


@cache
def _task(function: Callable[..., Any], returns: int) -> Any:
    import ray

    return ray.remote(function).options(num_returns=returns)


def _applied(
    function: Callable[..., pd.DataFrame],
    given: dict[str, Any],
    counts: list[int],
    *pieces: pd.DataFrame,
) -> pd.DataFrame:
    left = iter(pieces)
    parts = [pd.concat(islice(left, count), ignore_index=True) for count in counts]
    return function(*parts, **given)


def _split(
    key: str, columns: Sequence[str], count: int, *pieces: pd.DataFrame
) -> pd.DataFrame | list[pd.DataFrame]:
    kept = [piece[list(columns)] if columns else piece for piece in pieces]
    table = pd.concat(kept, ignore_index=True).dropna(subset=key)
    part = table.pop(key).to_numpy() if key == "part" else part_of(table[key], count)
    order = np.argsort(part, kind="stable")
    edges = np.searchsorted(part[order], np.arange(1, count))
    # Without the index, which is a number for each row.
    found = [table.iloc[rows].reset_index(drop=True) for rows in np.split(order, edges)]
    return found if count > 1 else found[0]
