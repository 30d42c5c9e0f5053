"""Tables as people and programs write them: the same listings in any dress, whole or damaged."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from random import Random

FIELDS = ("id", "title", "description", "price", "category", "image", "day")
CATEGORIES = ("Мебель", "Телефоны и связь", "Книги, журналы", 'Товары для "дома"')
TITLES = (
    "Стул", "Стол, дубовый", 'Диван "Икея"', "Шкаф; белый", "Смартфон | 128 ГБ", "Книга", "'Зенит'",
    'Монитор 24"', "Лампа\tнастольная", "Велосипед №5", "Кот", "10.5 дюймов",
)  # fmt: skip
TEXTS = (
    "Крепкий, почти новый", 'Он сказал: "торг", и ушёл', "Строка\nещё строка", "", "a;b;c;d;e;f",
    "Отдам: 1, 2, 3, 4, 5, 6", "«Ёлочки» — и тире", "Строка\r\nи ещё,\r\nи ещё", "цена 500 руб.",
)  # fmt: skip
SEPARATORS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "koi8_r", "cp866")
THOUSANDS = ("", " ", "\u00a0")


@dataclass(frozen=True)
class Dress:
    """How a table is written.

    Attributes:
        sep_line: the first line names the separator, as Excel's does.
        trailing: a separator after each row, which the header lacks.
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
    header_quoted: bool = False
    zipped: bool = False

    def price(self, value: float) -> str:
        """Write a price."""
        whole, _, cents = f"{value:,.2f}".partition(".")
        return whole.replace(",", self.thousands) + (f"{self.decimal}{cents}" if value % 1 else "")

    def day(self, iso: str) -> str:
        """Write a day, given as YYYY-MM-DD."""
        return ".".join(reversed(iso.split("-"))) if self.day_first else iso


def made_rows(n: int, random: Random) -> list[dict[str, str]]:
    """Return N listings by field; prices and days in their plain form."""
    return [
        {
            "id": str(number),
            "title": random.choice(TITLES),
            "description": random.choice(TEXTS),
            "price": random.choice(["", "0", "950", "1500", "12500", "1234567", "99.5", "12.25"]),
            "category": random.choice(CATEGORIES),
            "image": random.choice(["", f"{number}.jpg"]),
            # A day above 12 in each, so that the order is never open.
            "day": f"2025-{random.randint(1, 12):02}-{random.randint(13, 28)}",
        }
        for number in range(1, n + 1)
    ]


def row_texts(rows: Sequence[dict[str, str]], dress: Dress) -> list[str]:
    """Return the header and each row as text, with its line end."""
    table = [list(FIELDS)]
    for row in rows:
        price = dress.price(float(row["price"])) if row["price"] else ""
        table.append(list((row | {"price": price, "day": dress.day(row["day"])}).values()))
    texts = []
    for number, cells in enumerate(table):
        out = StringIO()
        quoting = csv.QUOTE_ALL if dress.header_quoted and not number else dress.quoting
        csv.writer(
            out, delimiter=dress.separator, quoting=quoting, lineterminator=dress.line_end
        ).writerow(cells)  # type: ignore[call-overload]
        text = out.getvalue()
        if dress.trailing and number:
            text = text.removesuffix(dress.line_end) + dress.separator + dress.line_end
        texts.append(text)
    return texts


def table_bytes(texts: Sequence[str], dress: Dress) -> bytes:
    """Return the content of the file."""
    first = f"sep={dress.separator}{dress.line_end}" if dress.sep_line else ""
    content = (first + "".join(texts)).encode(dress.encoding, "replace")
    return gzip.compress(content, mtime=0) if dress.zipped else content


def damaged(texts: list[str], random: Random) -> tuple[list[str | bytes], set[int]]:
    """Return the rows with one or several damages, and the numbers of the rows touched.

    The header is row 0.
    """
    rows: list[str | bytes] = list(texts)
    touched = set()
    for _ in range(random.randint(1, 3)):
        n = random.randrange(1, len(rows))
        row = rows[n]
        touched.add(n)
        if not row or isinstance(row, bytes):
            continue
        at = random.randrange(len(row))
        match random.randrange(7):
            case 0:
                content = bytearray(row.encode())
                content[random.randrange(len(content))] ^= 1 << random.randrange(8)
                rows[n] = bytes(content)
            case 1:
                rows[n] = row[:at] + "\n"
            case 2:
                rows[n] = row[:at] + '"' + row[at:]
            case 3:
                rows[n] = row.replace('"', "", 1)
            case 4:
                cells = row.split(",")
                random.shuffle(cells)
                rows[n] = ",".join(cells)
            case 5:
                rows[n] = (
                    row[:at] + random.choice([",", ";", "\r", "\0", "\u2028", "\ufeff"]) + row[at:]
                )
            case _:
                # The row's end is lost: it and the next are one.
                rows[n] = row.rstrip("\r\n")
                touched.add(n + 1)
    return rows, touched
