"""One of many tables: what it has in common with the others, and how its predictions are made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from src.core.errors import UserError
from src.core.parallel import in_order
from src.core.places import (
    PlacedFile,
    bucket_of,
    fetched,
    folder_of,
    inside,
    is_address,
    reaching,
    written,
)
from src.predict.bulk import TableCounts, Tell, predict_table
from src.predict.predictor import Predictor

# The key in a result's Parquet metadata: place, size and time of the table it was made of.
_MADE_OF = "listing-classifier.table"
# Reading them is waiting for a bucket.
_READ_AT_ONCE = 16


@dataclass(frozen=True)
class BulkJob:
    """What the predictions of many tables have in common.

    Attributes:
        columns, chosen, explain: as for `predict_table`.
        photos: the folder that the paths of photos start at; '' for each table's own.
        out: the folder of the results.
    """

    columns: dict[str, str]
    chosen: tuple[str, ...]
    photos: str
    explain: bool
    out: str

    def result_of(self, table: str) -> str:
        """Return where a table's predictions are written."""
        return inside(self.out, f"{Path(table.rpartition('/')[2]).stem}.parquet")


class Done(NamedTuple):
    """A table's end: its counts and how it was read, or the fault that left it without a result."""

    table: str
    counts: TableCounts
    read: str = ""
    fault: str = ""


def predict_one(predictor: Predictor, job: BulkJob, file: PlacedFile, tell: Tell) -> Done:
    """Predict a table into its result; a fault of the table or its place is part of the answer."""
    said: list[str] = []
    table = file.place
    try:
        with fetched(table) as path, written(job.result_of(table)) as out:
            try:
                counts = predict_table(
                    predictor,
                    path,
                    job.photos or folder_of(table),
                    out,
                    job.columns,
                    chosen=job.chosen,
                    explain=job.explain,
                    say=said.append,
                    tell=tell,
                    metadata={_MADE_OF: json.dumps(file)},
                )
            except UserError as error:
                raise UserError(str(error).replace(str(path), table)) from error
        return Done(table, counts, said[0].replace(str(path), table))
    except UserError as error:
        return Done(table, TableCounts(0, 0, 0), fault=str(error))
    except OSError as error:
        fault = f"{error.filename or job.result_of(table)}: {error.strerror or error}"
        return Done(table, TableCounts(0, 0, 0), fault=fault)


def sources_of(results: Iterable[str]) -> Iterator[PlacedFile | None]:
    """Yield for each result the table it was made of; None if this command did not write it.

    Raises:
        UserError: a bucket cannot be read.
    """
    return in_order(_source_of, results, _READ_AT_ONCE)


def _source_of(result: str) -> PlacedFile | None:
    if is_address(result):
        store, path = bucket_of(result)
        with reaching(result), store.open(path) as file:
            made_of = _made_of(file)
    else:
        made_of = _made_of(result)
    return PlacedFile(*json.loads(made_of)) if made_of else None


def _made_of(result: Any) -> bytes | None:
    """Return what a Parquet file, open or by its path, says of its source; None if nothing."""
    try:
        metadata = pq.read_metadata(result).metadata
    except pa.ArrowInvalid:
        return None
    return (metadata or {}).get(_MADE_OF.encode())
