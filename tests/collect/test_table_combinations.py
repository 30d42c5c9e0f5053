"""One table in every dress is read to the same listings."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from src.collect.collected import Collected, Listing
from src.collect.table import read_table
from src.core.schema import Table as TableSettings
from tests.collect.table_maker import (
    COLUMNS,
    ENCODINGS,
    Dress,
    made_rows,
    row_texts,
    table_bytes,
)
from tests.made import made_photo

PHOTO = made_photo()
DRESSES = st.builds(
    Dress,
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    decimal=st.sampled_from(".,"),
    thousands=st.sampled_from(["", " ", "\u00a0", "'", ".", ","]),
    currency=st.sampled_from(["", " руб.", " ₽", " RUB", "р"]),
    photo=st.sampled_from(
        ["{}.jpg", "{}", "photos/{}.jpg", "photos\\{}.jpg", "{}.JPG", "{}.jpg;0.jpg"]
    ),
    day_first=st.booleans(),
    sep_line=st.booleans(),
    trailing=st.booleans(),
    missing=st.sampled_from(["", "nan", "None", "-"]),
    zipped=st.booleans(),
).filter(
    lambda dress: dress.decimal != dress.thousands and dress.seen(dress.currency) == dress.currency
)


def read(folder: Path, name: str) -> tuple[Collected, list[Listing]]:
    (folder / "out").mkdir()
    place = TableSettings(folder=str(folder), path=name, photos="photos", columns=COLUMNS)
    found = read_table(place, folder / "out", seed=7, workers=1)
    return found, list(found.listings)


def expected(row: dict[str, str], dress: Dress) -> tuple[object, ...]:
    """Return what a listing of the row must be: id, title, text, price, category, photo, day."""
    title, text = dress.seen(row["title"]).strip(), dress.seen(row["description"]).strip()
    text = "" if text == "NA" else text
    price = float(row["price"]) if row["price"] else None
    return row["id"], title, text, price, row["category"], bool(row["image"]), row["day"]


def as_read(listing: Listing) -> tuple[object, ...]:
    has_photo = listing.photo is not None
    return (*listing[:5], has_photo, listing.listed)


@settings(max_examples=150, deadline=None)
@given(dress=DRESSES, seed=st.integers(0, 10**6), n=st.integers(8, 30))
def test_a_table_in_any_dress_is_read_to_the_same_listings(dress: Dress, seed: int, n: int) -> None:
    rows = made_rows(n, Random(seed))
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        for row in rows:
            (folder / "photos" / f"{row['id']}.jpg").write_bytes(PHOTO)
        (folder / "t.csv").write_bytes(table_bytes(row_texts(rows, dress), dress))
        found, listings = read(folder, "t.csv")
    assert found.read == n and not found.rejected
    assert [as_read(listing) for listing in listings] == [expected(row, dress) for row in rows]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), dictionary=st.booleans(), binary=st.booleans())
def test_parquet_is_read_to_the_same_listings(seed: int, dictionary: bool, binary: bool) -> None:
    rows = made_rows(12, Random(seed))
    frame = pd.DataFrame(rows)
    frame["image"] = [row["image"] and f"{row['id']}.jpg" for row in rows]
    frame["id"] = frame["id"].astype("float64" if dictionary else "int64")
    frame["price"] = pd.to_numeric(frame["price"])
    frame["day"] = pd.to_datetime(frame["day"])
    if dictionary:
        frame["category"] = frame["category"].astype("category")
    if binary:
        frame["title"] = frame["title"].map(str.encode)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        for row in rows:
            (folder / "photos" / f"{row['id']}.jpg").write_bytes(PHOTO)
        frame.set_index("id").to_parquet(folder / "t.parquet")
        found, listings = read(folder, "t.parquet")
    assert found.read == 12 and not found.rejected and not found.noted
    plain = Dress()
    assert [as_read(listing) for listing in listings] == [expected(row, plain) for row in rows]
