"""Group the near-duplicates of a table in many Parquet files, on Ray."""

from __future__ import annotations

import argparse
import socket
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from src.core.cluster import ray_session
from src.core.errors import UserError, run_command
from src.core.files import replacing, require_writable
from src.core.params import all_params
from src.core.wording import count_of
from src.prepare.on_ray.groups import group_parts
from src.prepare.on_ray.parts import by_key, over, put, whole_of

_NEEDED = ["id", "title", "text"]
_OPTIONAL = ["category", "seller", "sha256", "phash"]


def main() -> None:
    parser = argparse.ArgumentParser("python -m src.prepare.on_ray", description=__doc__)
    parser.add_argument(
        "tables", type=Path, nargs="+",
        help=f"Parquet files with {', '.join(_NEEDED)} and, if known, {', '.join(_OPTIONAL)}",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER",
        help="for each table a file of the same name with id and group",
    )  # fmt: skip
    given = parser.parse_args()
    settings = all_params().prepare
    links = group_files(given.tables, given.out, settings.text_similarity, settings.photo_bits)
    print(", ".join(f"{count_of(number, 'link')} by {rule}" for rule, number in links.items()))


def group_files(
    tables: Sequence[Path], out: Path, text_similarity: float, photo_bits: int
) -> dict[str, int]:
    """Write the group of each listing, and return the links by rule, as `group_near_duplicates`.

    Args:
        tables: seen by all machines of the cluster, as is `out`. A row group is read in one task.

    Raises:
        UserError: Ray is not installed, no cluster answers, or the tables cannot be used.
    """
    names = Counter(path.name for path in tables)
    if (twice := names.most_common(1)[0])[1] > 1:
        raise UserError(
            f"{twice[1]} tables are named {twice[0]}, and so would be their results; "
            "expected a different name for each"
        )
    results = [out.resolve() / path.name for path in tables]
    for path, result in zip(tables, results, strict=True):
        if result == path.resolve():
            raise UserError(f"{path} would be replaced by its groups; give another --out")
    require_writable(out)
    found = [_row_groups(path).assign(table=number) for number, path in enumerate(tables)]
    groups = pd.concat(found, ignore_index=True)
    size = int(groups["listings"].sum())
    if not size:
        raise UserError(f"{count_of(len(tables), 'table')} given, but no listing is in them")
    groups["first"] = groups["listings"].cumsum() - groups["listings"]
    # Of each table, the number of its first listing.
    first = groups.groupby("table")["first"].min().to_numpy()
    with ray_session():
        row_groups = put(groups.iloc[[number]] for number in range(len(groups)))
        # Without a name: the listings are given up as soon as they are in other parts.
        named, links = group_parts(over(_read, row_groups), size, text_similarity, photo_bits)
        named = by_key(over(_with_table, named, first=first), "part", count=len(tables))
        places = [pd.DataFrame({"path": [str(result)]}) for result in results]
        whole_of(over(_write, named, put(places)))
    return links


def _row_groups(path: Path) -> pd.DataFrame:
    """Return `path`, `number`, `listings` of each row group of a table; of an empty one, too."""
    try:
        read = pq.read_metadata(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is not a Parquet file that can be read: {error}") from error
    known = read.schema.to_arrow_schema().names
    missing = [name for name in _NEEDED if name not in known]
    if missing:
        raise UserError(
            f"{path} has no column {missing[0]!r}; expected {', '.join(_NEEDED)} and, if known, "
            f"{', '.join(_OPTIONAL)}"
        )
    sizes = [read.row_group(number).num_rows for number in range(read.num_row_groups)] or [0]
    return pd.DataFrame(
        {"path": str(path.resolve()), "number": range(len(sizes)), "listings": sizes}
    )


def _read(group: pd.DataFrame) -> pd.DataFrame:
    path, number, listings, first = group.iloc[0][["path", "number", "listings", "first"]]
    try:
        file = pq.ParquetFile(path)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read on the machine {socket.gethostname()}: all machines of the "
            "cluster must see the tables"
        ) from error
    columns = [name for name in _NEEDED + _OPTIONAL if name in file.schema_arrow.names]
    groups = [number] if listings else []
    read = file.read_row_groups(groups, columns=columns)
    # Here, for in pandas a number beside an empty cell would become another one.
    texts = [read[name].cast(pa.string()) for name in columns]
    table = pa.table(texts, names=columns).to_pandas()
    table = table.reindex(columns=_NEEDED + _OPTIONAL).astype("str")
    table[["title", "text"]] = table[["title", "text"]].fillna("")
    return table.assign(row=np.arange(len(table)) + first)


def _with_table(named: pd.DataFrame, first: NDArray[np.int64]) -> pd.DataFrame:
    part = np.searchsorted(first, named["row"], side="right") - 1
    return named.assign(part=part)


def _write(named: pd.DataFrame, result: pd.DataFrame) -> pd.DataFrame:
    with replacing(Path(str(result.loc[0, "path"]))) as beside:
        named.sort_values("row")[["id", "group"]].to_parquet(beside, index=False)
    return named.iloc[:0]


if __name__ == "__main__":
    run_command(main)
