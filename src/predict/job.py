"""One of many tables: what it has in common with the others, and how its predictions are made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from src.core.errors import UserError
from src.core.places import fetched, folder_of, inside, written
from src.predict.bulk import TableCounts, Tell, predict_table
from src.predict.predictor import Predictor


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


def predict_one(predictor: Predictor, job: BulkJob, table: str, tell: Tell) -> Done:
    """Predict a table into its result; a fault of the table or its place is part of the answer."""
    said: list[str] = []
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
                )
            except UserError as error:
                raise UserError(str(error).replace(str(path), table)) from error
        return Done(table, counts, said[0].replace(str(path), table))
    except UserError as error:
        return Done(table, TableCounts(0, 0, 0), fault=str(error))
    except OSError as error:
        fault = f"{error.filename or job.result_of(table)}: {error.strerror}"
        return Done(table, TableCounts(0, 0, 0), fault=fault)
