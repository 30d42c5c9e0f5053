"""Write one damaged table, collect it, and compare the rows that were not touched."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from src.cleaning.tables.csv_table import LIKE_ROWS
from src.collect.table import read_table
from src.core.errors import UserError
from src.core.schema import Table as TableSettings
from tests.collect.table_maker import (
    COLUMNS,
    ENCODINGS,
    Dress,
    damaged,
    made_rows,
    row_texts,
    table_bytes,
)

_WITHOUT_PHOTO = COLUMNS.model_copy(update={"photo": ""})


class Outcome(NamedTuple):
    """How many rows were whole; what is wrong, '' if nothing is.

    Attributes:
        read: of the whole rows, those that were read as they are.
        noted: those that became lines of a text, which a note names.
    """

    whole: int
    read: int
    noted: int
    refused: bool
    wrong: str


def outcome(seed: str, folder: Path) -> Outcome:
    """Collect the damaged table of a seed from an empty folder."""
    random = Random(seed)
    dress = Dress(
        separator=random.choice(",,;\t|"),
        encoding=random.choice(["utf-8", *sorted(ENCODINGS)]),
        quoting=random.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        line_end=random.choice(["\n", "\r\n"]),
        trailing=random.random() < 0.1,
        zipped=random.random() < 0.1,
    )
    rows = made_rows(random.randint(10, 40), random)
    if random.random() < 0.5:
        # No column counts.
        random.shuffle(rows)
    texts, touched = damaged(row_texts(rows, dress), dress, random)
    folder.mkdir(parents=True)
    content = bytearray(table_bytes(texts, dress))
    if dress.zipped and random.random() < 0.5:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    (folder / "t.csv").write_bytes(content)
    place = TableSettings(folder=str(folder), path="t.csv", photos="", columns=_WITHOUT_PHOTO)
    whole = {number: row for number, row in enumerate(rows, 1) if number not in touched}
    try:
        found = read_table(place, folder, seed=7, workers=1)
        listings = {listing.id: listing for listing in found.listings}
    except UserError as error:
        return Outcome(len(whole), 0, 0, True, "" if "\n" not in str(error) else f"{seed}: {error}")
    told = _lines_of([note.detail for note in found.rejected])
    doubted = _lines_of([note.detail for note in found.noted if note.reason == LIKE_ROWS])
    read, noted, wrong = 0, 0, []
    line = 1
    for number, text in enumerate(texts):
        size = _lines_in(text, dress)
        row = whole.get(number)
        listing = listings.get(row["id"]) if row else None
        if row and listing and listing[:5] == _expected(row, dress):
            read += 1
        elif row and doubted.issuperset(range(line, line + size)):
            noted += 1
        elif row and not told.issuperset(range(line, line + size)):
            wrong.append(f"{row['id']} {listing}")
        line += size
    if found.read != len(listings) + len(found.rejected):
        wrong.append(f"{found.read} rows, {len(listings)} listings")
    return Outcome(len(whole), read, noted, False, f"{seed}: {wrong}" if wrong else "")


def _expected(row: dict[str, str], dress: Dress) -> tuple[object, ...]:
    title, text = dress.seen(row["title"]).strip(), dress.seen(row["description"]).strip()
    text = "" if text == "NA" else text
    return row["id"], title, text, float(row["price"]) if row["price"] else None, row["category"]


def _lines_in(text: str | bytes, dress: Dress) -> int:
    """Return the number of line ends in a row."""
    if isinstance(text, bytes):
        text = text.decode(ENCODINGS[dress.encoding][0], "replace")
    return len(re.findall("\r\n|\r|\n", text))


def _lines_of(details: Sequence[str]) -> set[int]:
    """Return the numbers of the lines that notes name."""
    lines = set()
    for detail in details:
        if match := re.match(r"lines? (\d+)(?:-(\d+))?", detail):
            lines |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
    return lines
