"""Tables as people and programs write them: the same listings in any dress, whole or damaged."""

from __future__ import annotations

import codecs
import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from random import Random

from src.core.schema import Columns

FIELDS = ("id", "title", "description", "price", "category", "image", "day")
COLUMNS = Columns(
    id="id", title="title", text="description", price="price", category="category",
    photo="image", seller="", split="", listed="day",
)  # fmt: skip
CATEGORIES = ("Мебель", "Телефоны и связь", "Книги, журналы", 'Товары для "дома"')
TITLES = (
    "Стул", "Стол, дубовый", 'Диван "Икея"', "Шкаф; белый", "Смартфон | 128 ГБ", "Книга", "'Зенит'",
    'Монитор 24"', "Лампа\tнастольная", "Велосипед №5", "Кот", "10.5 дюймов", '"Зенит" фото',
)  # fmt: skip
TEXTS = (
    "Крепкий, почти новый", 'Он сказал: "торг", и ушёл', "Строка\nещё строка", "", "a;b;c;d;e;f;g",
    "Отдам: 1, 2, 3, 4, 5, 6", "«Ёлочки» — и тире", "Строка\r\nи ещё,\r\nи ещё", "цена 500 руб.",
    "Продаю:\n1, стол, дуб, 500, Мебель, 1.jpg\n2 стула", "NA",
)  # fmt: skip
PRICES = ("", "0", "950", "1500", "12500", "1234567", "99.5", "12.25")
# The codec of one row, and what begins the file.
ENCODINGS = {
    "utf-8": ("utf-8", b""),
    "utf-8-sig": ("utf-8", codecs.BOM_UTF8),
    "utf-16": ("utf-16-le", codecs.BOM_UTF16_LE),
    "utf-16-le": ("utf-16-le", b""),
    "utf-16-be": ("utf-16-be", b""),
    "cp1251": ("cp1251", b""),
    "koi8_r": ("koi8_r", b""),
    "cp866": ("cp866", b""),
}


@dataclass(frozen=True)
class Dress:
    """How a table is written.

    Attributes:
        sep_line: the first line names the separator, as Excel's does.
        trailing: a separator after each row, which the header lacks.
        missing: the word for a price or photo that is not there.
        photo: how the photo of a listing is named; {} is its id.
        currency: what follows a price.
    """

    separator: str = ","
    encoding: str = "utf-8"
    quoting: int = csv.QUOTE_MINIMAL
    line_end: str = "\n"
    decimal: str = "."
    thousands: str = ""
    day_first: bool = False
    sep_line: bool = False
    trailing: bool = False
    missing: str = ""
    photo: str = "{}.jpg"
    currency: str = ""
    zipped: bool = False

    def seen(self, text: str) -> str:
        """Return a text as the encoding can hold it."""
        codec, _ = ENCODINGS[self.encoding]
        return text.encode(codec, "replace").decode(codec)

    def price(self, price: str) -> str:
        """Write a price."""
        if not price:
            return self.missing
        whole, _, decimals = price.partition(".")
        grouped = f"{int(whole):,}".replace(",", self.thousands)
        return grouped + (f"{self.decimal}{decimals:0<2}" if decimals else "") + self.currency

    def day(self, iso: str) -> str:
        """Write a day, given as YYYY-MM-DD."""
        return ".".join(reversed(iso.split("-"))) if self.day_first else iso


def made_rows(n: int, random: Random) -> list[dict[str, str]]:
    """Return N listings by field; prices and days in their plain form."""
    rows = [
        {
            "id": str(number),
            "title": random.choice(TITLES),
            "description": random.choice(TEXTS),
            "price": random.choice(PRICES),
            "category": random.choice(CATEGORIES),
            "image": random.choice(["", "yes"]),
            # Always later than the twelfth, so that the order of day and month is never open.
            "day": f"2025-{random.randint(1, 12):02}-{random.randint(13, 28)}",
        }
        for number in range(1, n + 1)
    ]
    # With these no mark of decimals or thousands is open.
    for row, price in zip(rows, ("1234567", "99.5", "12.25", "950"), strict=False):
        row["price"] = price
    return rows


def row_texts(rows: Sequence[dict[str, str]], dress: Dress) -> list[str]:
    """Return the header and each row as text, with its line end."""
    table = [list(FIELDS)]
    for row in rows:
        written = row | {"price": dress.price(row["price"]), "day": dress.day(row["day"])}
        written["image"] = dress.photo.format(row["id"]) if row["image"] else dress.missing
        table.append(list(written.values()))
    texts = []
    for number, cells in enumerate(table):
        out = StringIO()
        kind: dict[str, object] = {"delimiter": dress.separator, "quoting": dress.quoting}
        csv.writer(out, lineterminator="\r\n", **kind).writerow(cells)  # type: ignore[call-overload]
        end = dress.separator if dress.trailing and number else ""
        texts.append(out.getvalue().removesuffix("\r\n") + end + dress.line_end)
    return texts


def table_bytes(texts: Sequence[str | bytes], dress: Dress) -> bytes:
    """Return the content of the file; rows that are bytes are encoded already."""
    codec, mark = ENCODINGS[dress.encoding]
    first = f"sep={dress.separator}{dress.line_end}" if dress.sep_line else ""
    encoded = (
        text if isinstance(text, bytes) else text.encode(codec, "replace")
        for text in [first, *texts]
    )  # fmt: skip
    content = mark + b"".join(encoded)
    return gzip.compress(content, mtime=0) if dress.zipped else content


def damaged(
    texts: Sequence[str], dress: Dress, random: Random
) -> tuple[list[str | bytes], set[int]]:
    """Return the rows after one to three damages, and the numbers of the rows touched.

    Row 0 is the header.
    """
    rows: list[str | bytes] = list(texts)
    touched = set()
    for _ in range(random.randint(1, 3)):
        n = 0 if random.random() < 0.05 else random.randrange(1, len(rows))
        row = rows[n]
        touched.add(n)
        if isinstance(row, bytes) or not row:
            continue
        at = random.randrange(len(row))
        odd = [",", ";", "\r", "\n", "\0", "\u2028", "\ufeff", '""', ',"', '",', "\\"]
        match random.randrange(7):
            case 0:
                content = bytearray(row.encode(ENCODINGS[dress.encoding][0], "replace"))
                content[random.randrange(len(content))] ^= 1 << random.randrange(8)
                rows[n] = bytes(content)
                # A flipped line end joins the row to the next.
                touched.add(n + 1)
            case 1:
                rows[n] = row[:at] + dress.line_end
            case 2:
                rows[n] = row[:at] + '"' + row[at:]
            case 3:
                rows[n] = row.replace('"', "", 1)
            # Names in another order would be another table.
            case 4 if n:
                cells = row.removesuffix(dress.line_end).split(dress.separator)
                random.shuffle(cells)
                rows[n] = dress.separator.join(cells) + dress.line_end
            case 5:
                rows[n] = row[:at] + random.choice(odd) + row[at:]
            case _:
                rows[n] = row.removesuffix(dress.line_end)
                touched.add(n + 1)
    return rows, touched
