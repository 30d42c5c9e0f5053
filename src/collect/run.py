"""Collect listings from the chosen source and write what later stages read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from src.collect.avito import avito_source
from src.collect.collected import Collected, Listing, Note
from src.collect.demo.source import demo_source
from src.collect.summary import Counts, nothing_collected, require_all_rows, summary_lines
from src.collect.table import table_source
from src.core.errors import UserError
from src.core.files import replacing, write_json
from src.core.listings import RAW, check_listings
from src.core.schema import Collect

# Listings are written in batches, so that memory does not grow with their number.
_BATCH = 5000


class Source(Protocol):
    def __call__(
        self, settings: Collect, seed: int, photos: Path, crawls: Path
    ) -> AbstractContextManager[Collected]: ...


_SOURCES: dict[str, Source] = {"demo": demo_source, "table": table_source, "avito": avito_source}


def collect(settings: Collect, seed: int, out: Path, crawls: Path) -> None:
    """Write `out`/listings.parquet (schema RAW), `out`/photos and `out`/notes.

    The notes are rejected.csv and noted.csv (id, reason, detail), counts.json and, for the demo,
    truth.parquet.

    Args:
        crawls: the folder where crawls keep their state.

    Raises:
        UserError: what the source raises, or nothing was collected; `out` then stays as it was,
            but for the notes on why.
    """
    source = settings.source
    with replacing(out / "photos") as photos, replacing(out / "listings.parquet") as table:
        photos.mkdir()
        with _SOURCES[source](settings, seed, photos, crawls) as collected:
            counts = write_table(collected, table)
            require_all_rows(collected, counts.listings)
            with replacing(out / "notes") as notes:
                notes.mkdir()
                _write_notes(collected, counts, source, notes)
            if not counts.listings:
                raise UserError(nothing_collected(collected, source, out / "notes"))
    for line in summary_lines(collected, counts, source, out / "notes"):
        print(line)


def write_table(collected: Collected, path: Path) -> Counts:
    """Write the listings as Parquet; reject those with neither text nor photo."""
    counts = Counts()
    listings = _usable(collected, counts)
    batch = _table(listings)
    with pq.ParquetWriter(path, pa.Schema.from_pandas(batch, preserve_index=False)) as writer:
        while len(batch):
            writer.write_table(pa.Table.from_pandas(batch, writer.schema, preserve_index=False))
            batch = _table(listings)
    return counts


def _usable(collected: Collected, counts: Counts) -> Iterator[Listing]:
    for listing in collected.listings:
        if listing.title or listing.text or listing.photo:
            counts.add(listing)
            yield listing
        else:
            collected.rejected.append(Note(listing.id, "neither text nor photo"))


def _table(listings: Iterable[Listing]) -> pd.DataFrame:
    table = pd.DataFrame(islice(listings, _BATCH), columns=list(Listing._fields))
    # Without a dtype a column of only None would not count as text.
    types = dict.fromkeys(Listing._fields, "str") | {"price": "float"}
    return check_listings(table.astype(types), RAW, "listings")


def _write_notes(collected: Collected, counts: Counts, source: str, notes: Path) -> None:
    reasons = {}
    for name, rows in (("rejected", collected.rejected), ("noted", collected.noted)):
        pd.DataFrame(rows, columns=list(Note._fields)).to_csv(notes / f"{name}.csv", index=False)
        reasons[name] = dict(Counter(note.reason for note in rows))
    content = {"source": source, **vars(counts), **reasons}
    if collected.read is not None:
        content["read"] = collected.read
    write_json(notes / "counts.json", content)
    if collected.truth is not None:
        collected.truth.to_parquet(notes / "truth.parquet", index=False)
