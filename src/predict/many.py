"""Predictions for many tables: each becomes one file of a folder, on this machine or in a bucket.

A result appears whole or not at all, and a table that has one is left alone, so a job that was
killed goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from src.core.cluster import require_ray
from src.core.errors import UserError
from src.core.files import read_json, write_json
from src.core.places import PlacedFile, fetched, files_in, inside, is_address, matching, written
from src.core.wording import count_of
from src.predict.bulk import TableCounts
from src.predict.bundle import read_bundle
from src.predict.job import BulkJob, Done, predict_one, sources_of
from src.predict.predictor import Predictor
from src.predict.progress import BulkProgress

# What was asked for, beside the results; readers of Parquet folders pass over such names.
_RECORD = "_job.json"
# Held by the command that writes there.
_LOCK = "_job.lock"
# Its keys, and what a user calls them.
_OPTIONS = {
    "bundle": "bundle",
    "columns": "--column",
    "photos": "--photos",
    "explain": "--explain",
}
_FAULTS_SHOWN = 3


def predict_tables(
    predictor: Predictor, patterns: Sequence[str], job: BulkJob, ray: bool, workers: int | None
) -> None:
    """Predict the tables that patterns name, CSV or Parquet, into `job.out`; print what was done.

    Args:
        ray: on a Ray cluster, and not here one after the other.
        workers: how many tables at once, on Ray; None for one per processor.

    Raises:
        UserError: there are no tables; two would have one result; `job.out` holds the results of
            another job, or files of others, or another command writes there; tables could not be
            predicted (the others are).
    """
    if ray:
        require_ray()
    tables = _tables(patterns, job)
    with _alone_in(job.out):
        _require_same_job(predictor, job)
        todo = _undone(tables, job)
        faults, total = _predict(predictor, todo, job, ray, workers)
    print(
        f"{job.out}: {count_of(len(todo) - len(faults), 'table')} predicted, "
        f"{len(tables) - len(todo)} there already; {count_of(total.listings, 'listing')}, "
        f"{total.unpredicted} without a prediction, {total.noted} with a note"
    )
    if faults:
        more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise UserError(
            f"{len(faults)} of {count_of(len(tables), 'table')} could not be predicted: "
            f"{'; '.join(faults[:_FAULTS_SHOWN])}{more}"
        )


def _predict(
    predictor: Predictor, todo: Sequence[PlacedFile], job: BulkJob, ray: bool, workers: int | None
) -> tuple[list[str], TableCounts]:
    """Predict tables; return what went wrong, and the counts of all that went well."""
    faults, total, said = [], TableCounts(0, 0, 0), set()
    predicted: set[str] = set()
    with BulkProgress(todo) as progress:
        # The largest first: else one of them might be what all wait for in the end.
        ordered = sorted(todo, key=lambda table: -table.size)
        if ray and ordered:
            from src.predict.on_ray import predict_on_ray

            ends = predict_on_ray(predictor, ordered, job, workers, progress)
        else:
            ends = predict_here(predictor, ordered, job, progress)
        for end in ends:
            progress.end(end.table, end.counts.listings)
            total = TableCounts(*map(sum, zip(total, end.counts, strict=True)))
            if end.fault:
                faults.append(end.fault)
                continue
            predicted.add(job.result_of(end.table).rpartition("/")[2])
            if (how := end.read.removeprefix(end.table)) not in said:
                # Tables of one source are read alike.
                said.add(how)
                tqdm.write(end.read, file=sys.stderr)
    _remove_parts(job.out, predicted)
    faults += [
        f"{name} is not in {job.out}, so it is on the machine of a worker: give --out a folder "
        "that all machines share, or one in a bucket"
        for name in sorted(predicted - files_in(job.out).keys())
    ]
    return faults, total


@contextmanager
def _alone_in(out: str) -> Iterator[None]:
    """Keep other commands from writing to a folder of this machine; buckets have no locks.

    Raises:
        UserError: another one does.
    """
    if is_address(out):
        yield
        return
    from filelock import FileLock, Timeout

    lock = Path(out) / _LOCK
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(lock).acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"another command is writing to {out}; wait for it to end, or give --out another folder"
        ) from None
    with held:
        try:
            yield
        finally:
            # While it is held: one who waits for this file sees that it is gone, and makes another.
            with suppress(PermissionError):  # on Windows, where releasing deletes it
                lock.unlink(missing_ok=True)


def predict_here(
    predictor: Predictor, tables: Collection[PlacedFile], job: BulkJob, progress: BulkProgress
) -> Iterator[Done]:
    """Predict tables in this process, one after the other."""
    for table in tables:
        yield predict_one(predictor, job, table, partial(progress.tell, table.place))


def _tables(patterns: Sequence[str], job: BulkJob) -> list[PlacedFile]:
    """Return the tables that patterns name, each once."""
    found = {file.place: file for pattern in patterns for file in matching(pattern)}
    results: dict[str, str] = {}
    for table in found:
        result = job.result_of(table)
        if (other := results.setdefault(result, table)) != table:
            raise UserError(
                f"{other} and {table} would both become {result}; predict them into two folders"
            )
        if result == table:
            raise UserError(f"{table} would be replaced by its predictions; give another --out")
    return list(found.values())


def _undone(tables: Sequence[PlacedFile], job: BulkJob) -> list[PlacedFile]:
    """Return the tables without a result, and those that have changed since.

    Raises:
        UserError: a file of that name is there, but not made of that table.
    """
    there = files_in(job.out)
    results = [job.result_of(table.place) for table in tables]
    results = [result for result in results if result.rpartition("/")[2] in there]
    made_of = dict(zip(results, sources_of(results), strict=True))
    for table in tables:
        source = made_of.get(result := job.result_of(table.place), table)
        if source is None or source.place != table.place:
            of = f"has the predictions for {source.place}" if source else "is no result of this job"
            raise UserError(f"{result} {of} and would be replaced; give --out another folder")
    return [table for table in tables if made_of.get(job.result_of(table.place)) != table]


def _require_same_job(predictor: Predictor, job: BulkJob) -> None:
    """Refuse a folder with results of another bundle or other options, or with files of others.

    Until there is a result, what is asked for may change.
    """
    record = asdict(job) | {"bundle": _hash_of(predictor.folder)}
    del record["out"], record["chosen"]
    place, there = inside(job.out, _RECORD), files_in(job.out)
    if not any(name.endswith(".parquet") for name in there):
        with written(place) as path:
            write_json(path, record)
        return
    if _RECORD not in there:
        raise UserError(
            f"{job.out} has Parquet files but no {_RECORD}, so they are not predictions of this "
            "command; give --out another folder"
        )
    with fetched(place) as path:
        before: dict[str, Any] = read_json(path)
    others = [name for key, name in _OPTIONS.items() if before.get(key) != record[key]]
    if others:
        raise UserError(
            f"{job.out} has predictions by another {' and another '.join(others)}; give --out "
            "another folder, or delete this one"
        )


def _hash_of(bundle: Path) -> str:
    """Return the SHA-256 of all files of a bundle."""
    digest = hashlib.sha256()
    for name in ("bundle.json", *sorted(read_bundle(bundle).files)):
        with (bundle / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _remove_parts(out: str, results: Collection[str]) -> None:
    """Delete what killed processes left of these results; other ones may be another job's."""
    if not is_address(out):
        for part in Path(out).glob(".*.part"):
            # `replacing` names them `.NAME.PROCESS.part`.
            if part.name[1:].rsplit(".", 2)[0] in results:
                part.unlink(missing_ok=True)
