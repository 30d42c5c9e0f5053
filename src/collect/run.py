"""Collect listings from the chosen source and write what later stages read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from src.collect.crawl import crawl
from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.market import Market
from src.collect.demo.params import DemoParams
from src.collect.demo.server import serve
from src.collect.fetch import CrawlParams
from src.collect.found import Found, Listing, Note
from src.collect.pages import read_page
from src.collect.table import read_table
from src.errors import UserError
from src.files import replacing, write_json
from src.listings import RAW, write_listings


def collect(params: dict[str, Any], out: Path) -> None:
    """Write `out`/listings.parquet (schema RAW), `out`/photos and `out`/notes.

    `params` holds `seed` and `collect`. The notes are rejected.csv and noted.csv (id, reason,
    detail), counts.json and, for the demo, truth.parquet. Raises UserError for an unknown source
    and when nothing was collected; what stood in `out` then stays as it was.
    """
    source = params["collect"]["source"]
    if source not in SOURCES:
        raise UserError(f"collect.source is {source!r}; it can be {', '.join(SOURCES)}")
    with replacing(out / "photos") as photos:
        photos.mkdir()
        found = SOURCES[source](params, photos)
        if not found.listings:
            reasons = Counter(note.reason for note in found.rejected + found.noted)
            why = "; ".join(f"{reason}: {n}" for reason, n in reasons.most_common(3))
            raise UserError(f"nothing was collected from {source} ({why or 'it is empty'})")
    write_listings(_table(found.listings), out / "listings.parquet", RAW)
    with replacing(out / "notes") as notes:
        notes.mkdir()
        _write_notes(found, source, notes)
    photo_count = sum(listing.photo is not None for listing in found.listings)
    print(
        f"collected {len(found.listings)} listings from {source}, {photo_count} with a photo; "
        f"{len(found.rejected)} set aside, see {out / 'notes'}"
    )


def _demo(params: dict[str, Any], photos: Path) -> Found:
    section = params["collect"]
    market = Market(DemoParams.from_params(section["demo"]), params["seed"])
    with serve(market) as site:
        found = crawl(
            [f"{site}/moskva/{category.slug}" for category in CATEGORIES],
            read_page,
            photos,
            params=CrawlParams(**section["crawl"]),
            hosts=["127.0.0.1"],
            seed=params["seed"],
            names={category.slug: category.name for category in CATEGORIES},
        )
    found.truth = market.truth()
    return found


def _table_source(params: dict[str, Any], photos: Path) -> Found:
    section = params["collect"]
    workers = section["crawl"]["photo_workers"]
    return read_table(section["table"], photos, seed=params["seed"], workers=workers)


SOURCES: dict[str, Callable[[dict[str, Any], Path], Found]] = {
    "demo": _demo,
    "table": _table_source,
}


def _table(listings: list[Listing]) -> pd.DataFrame:
    table = pd.DataFrame(listings, columns=list(Listing._fields))
    table["price"] = table["price"].astype(float)
    for name in set(Listing._fields) - {"price"}:
        # Without a dtype a column of nothing but None would not count as text.
        table[name] = table[name].astype("str")
    return table


def _write_notes(found: Found, source: str, notes: Path) -> None:
    for name, rows in (("rejected", found.rejected), ("noted", found.noted)):
        pd.DataFrame(rows, columns=list(Note._fields)).to_csv(notes / f"{name}.csv", index=False)
    write_json(
        notes / "counts.json",
        {
            "source": source,
            "listings": len(found.listings),
            "with_photo": sum(listing.photo is not None for listing in found.listings),
            "with_text": sum(bool(listing.title or listing.text) for listing in found.listings),
            "with_price": sum(listing.price is not None for listing in found.listings),
            "rejected": dict(Counter(note.reason for note in found.rejected)),
            "noted": dict(Counter(note.reason for note in found.noted)),
            "categories": dict(Counter(listing.category for listing in found.listings)),
        },
    )
    if found.truth is not None:
        found.truth.to_parquet(notes / "truth.parquet", index=False)
