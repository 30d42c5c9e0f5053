"""Collect listings from the chosen source and write what later stages read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from src.collect.avito import avito
from src.collect.demo.source import demo
from src.collect.found import Found, Listing, Note
from src.collect.table import read_table
from src.core.errors import UserError
from src.core.files import replacing, write_json
from src.core.listings import RAW, check_listings

# Listings are written so many at a time, so that memory does not grow with their number.
_BATCH = 5000


class Source(Protocol):
    def __call__(
        self, params: dict[str, Any], photos: Path, crawls: Path
    ) -> AbstractContextManager[Found]: ...


@contextmanager
def _table_source(params: dict[str, Any], photos: Path, crawls: Path) -> Iterator[Found]:
    section = params["collect"]
    workers = section["crawl"]["at_once"]
    yield read_table(section["table"], photos, seed=params["seed"], workers=workers)


SOURCES: dict[str, Source] = {"demo": demo, "table": _table_source, "avito": avito}


def collect(params: dict[str, Any], out: Path, crawls: Path) -> None:
    """Write `out`/listings.parquet (schema RAW), `out`/photos and `out`/notes.

    `params` holds `seed` and `collect`; `crawls` is where crawls keep their state. The notes are
    rejected.csv and noted.csv (id, reason, detail), counts.json and, for the demo, truth.parquet.
    Raises UserError for an unknown source and when nothing was collected; what stood in `out` then
    stays as it was.
    """
    source = params["collect"]["source"]
    if source not in SOURCES:
        raise UserError(f"collect.source is {source!r}; it can be {', '.join(SOURCES)}")
    with replacing(out / "photos") as photos, replacing(out / "listings.parquet") as table:
        photos.mkdir()
        with SOURCES[source](params, photos, crawls) as found:
            counts = _write(found, table)
            if not counts.listings:
                reasons = Counter(note.reason for note in found.rejected + found.noted)
                why = "; ".join(f"{reason}: {n}" for reason, n in reasons.most_common(3))
                raise UserError(f"nothing was collected from {source} ({why or 'it is empty'})")
            with replacing(out / "notes") as notes:
                notes.mkdir()
                _write_notes(found, counts, source, notes)
    print(
        f"collected {counts.listings} listings from {source}, {counts.with_photo} with a photo; "
        f"{len(found.rejected)} set aside, see {out / 'notes'}"
    )


@dataclass
class _Counts:
    listings: int = 0
    with_photo: int = 0
    with_text: int = 0
    with_price: int = 0
    categories: Counter[str] = field(default_factory=Counter)

    def add(self, listing: Listing) -> None:
        self.listings += 1
        self.with_photo += listing.photo is not None
        self.with_text += bool(listing.title or listing.text)
        self.with_price += listing.price is not None
        self.categories[listing.category] += 1


def _write(found: Found, path: Path) -> _Counts:
    counts = _Counts()
    listings = _usable(found, counts)
    batch = _table(listings)
    with pq.ParquetWriter(path, pa.Schema.from_pandas(batch, preserve_index=False)) as writer:
        while len(batch):
            writer.write_table(pa.Table.from_pandas(batch, writer.schema, preserve_index=False))
            batch = _table(listings)
    return counts


def _usable(found: Found, counts: _Counts) -> Iterator[Listing]:
    """Set aside what has neither text nor photo."""
    for listing in found.listings:
        if listing.title or listing.text or listing.photo:
            counts.add(listing)
            yield listing
        else:
            found.rejected.append(Note(listing.id, "neither text nor photo"))


def _table(listings: Iterable[Listing]) -> pd.DataFrame:
    table = pd.DataFrame(islice(listings, _BATCH), columns=list(Listing._fields))
    table["price"] = table["price"].astype(float)
    for name in set(Listing._fields) - {"price"}:
        # Without a dtype a column of nothing but None would not count as text.
        table[name] = table[name].astype("str")
    return check_listings(table, RAW, "listings")


def _write_notes(found: Found, counts: _Counts, source: str, notes: Path) -> None:
    for name, rows in (("rejected", found.rejected), ("noted", found.noted)):
        pd.DataFrame(rows, columns=list(Note._fields)).to_csv(notes / f"{name}.csv", index=False)
    write_json(
        notes / "counts.json",
        {
            "source": source,
            **vars(counts),
            "rejected": dict(Counter(note.reason for note in found.rejected)),
            "noted": dict(Counter(note.reason for note in found.noted)),
        },
    )
    if found.truth is not None:
        found.truth.to_parquet(notes / "truth.parquet", index=False)
