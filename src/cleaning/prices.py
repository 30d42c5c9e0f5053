"""Prices as people write them; what a point or a comma means is decided per column.

Not by price-parser, which reads one string at a time, takes the first number of a range and drops
signs, nor by Babel, which must be told the language and reads no currencies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from numbers import Real
from typing import NamedTuple

from src.cleaning.cells import is_missing, value_as_text, visible

_MAX_PRICE = 1e12
_LONGEST = 60
# With spaces and what cannot be seen.
_LONGEST_CELL = 1000
_UNREADABLE = "price cannot be read"
_RATE_PROBLEM = "price is per month, kilogram or the like"
_MARKS = {".": "point", ",": "comma"}
_OTHER = {".": ",", ",": "."}

# Without the currencies of three decimals, as KWD: "1.250 KWD" would not be a thousand.
_CURRENCY = r"""(?!\d)(?:
    (?:[A-Z]{1,2})?[$¢£¤¥₠-₿￥]
  | RUB|RUR|EUR|USD|GBP|CHF|UAH|KZT|BYN|BYR|KGS|UZS|TJS|TMT|AMD|AZN|GEL|MDL|PLN|CZK|HUF|RON|BGN|RSD
  | SEK|NOK|DKK|ISK|TRY|CNY|JPY|INR|IDR|KRW|THB|VND|PHP|MYR|SGD|HKD|TWD|AUD|NZD|CAD|MXN|BRL|ARS|CLP
  | COP|PEN|ZAR|NGN|KES|EGP|MAD|ILS|AED|SAR|QAR|PKR|BDT|LKR
  | руб(?:ль|ля|лей|ли)? | р | грн | грив(?:ен|ень|на|ны|ні) | тенге | тнг | тг | сом | сум | лей
  | леев | лв | у\.\s?е | евро | доллар(?:ов|а)? | euros? | dollars? | pounds? | zł | kč | kr | lei
  | rs | fr | tl
)\.?"""
_KOPECKS = r"\s?(?P<kopecks>\d{1,2})\s?(?:коп(?:еек|ейки|ейка)?|к)\.?"
# What one listing sells; what is per anything else is no price of it.
_PER_PIECE = r"""\s?(?:
    (?:/|за|per|for) \s? (?:1\s)? (?:шт|штук[уиа] | ед | единицу | экз | экземпляр | пару | комплект
      | набор | вс[её] | оба | piece | pcs? | item | unit | ea | each | pair | set | all | both)
  | each | ea | apiece )\.?"""
_PRICE = re.compile(
    rf"""(?:{_CURRENCY}\s?)? (?P<sign>[-−]?)\s? (?:{_CURRENCY}\s?)?
    (?P<number>[.,]?\d(?:[\d\s'.,]*\d)?(?:e[+-]?\d{{1,2}})?)
    (?:[.,]\s?[-–—]{{1,2}} | \. | /- | =)? (?:\s?{_CURRENCY}(?:{_KOPECKS})?)?
    (?:{_PER_PIECE})?""",
    re.IGNORECASE | re.VERBOSE,
)
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ`´′", "'"))
# Thousands in groups of three, or as in India in groups of two before the last three.
_NUMBER = re.compile(
    r"""(?P<whole>\d+ | \d{1,3}(?P<group>[ '.,])\d{3}(?:(?P=group)\d{3})*
      | (?P<lakh>\d{1,2}(?:,\d\d)+,\d{3}))?
    (?:(?P<mark>[.,])(?P<decimals>\d+))?""",
    re.VERBOSE,
)
_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+)?e[+-]?\d{1,2}", re.IGNORECASE)
_RANGE = re.compile(
    r"(?:от|до|около|примерно|from|to|up to|about|around|ab|bis|von)\b.*\d.*|[~≈<>≤≥].*\d.*"
    r"|.*\d\D*(?:-|–|—|…|\.\.|\bдо\b|\bto\b)\D*\d.*|.*\d\s?\+.*",
    re.IGNORECASE,
)

_RATE = re.compile(
    r".*\d.*(?:/\s?|\b(?:за|per|a)\s|\bв\s(?=месяц|мес|сутки|день|час|год|неделю))\s?[^\W\d_].*"
    r"|.*\d.*\b(?:pcm|pm|pw|p/m|ежемесячно|monthly|weekly)\b.*",
    re.IGNORECASE,
)


class PriceCell(NamedTuple):
    """A price or None; `problem` says why it cannot be used, or what is not certain about it."""

    value: float | None
    problem: str = ""


class _Written(NamedTuple):
    """How a price is written: its digits, and what its marks show about the column.

    Attributes:
        marks: the points and commas in it.
        decimal: the mark that stands before decimals for certain, or the one that must do so
            because the other one stands between thousands; '' where nothing is shown.
        open: the mark of a number such as 1.500, which may be 1500 or 1.5.
    """

    whole: str
    decimals: str = ""
    negative: bool = False
    marks: str = ""
    decimal: str = ""
    open: str = ""


class PriceReader:
    """Reads the prices of one column, by the convention that all its values together show.

    A number such as 1.500 is ambiguous by itself. Other values of its column decide: 12.50 and
    1,500.00 show a point before decimals, 12,50 and 1.500.000 a point between thousands. So does
    1.250 beside 950 or 9.99: decimals that end in zero have a fixed number of places, so then all
    values would have three. The meaning that more values show is taken; where none does, three
    digits after a mark are thousands. `read` says so where it is not certain.

    Args:
        cells: the column; only counts are kept of it. Numbers that are not text show nothing.
    """

    def __init__(self, cells: Iterable[object] = ()) -> None:
        self.seen: Counter[str] = Counter()
        self.shown: Counter[str] = Counter()
        self.final_zero: Counter[str] = Counter()
        self.not_three_places = 0
        self.learn(cells)

    def learn(self, cells: Iterable[object]) -> None:
        """Take in further cells of the column, before any is read."""
        for cell in cells:
            written = _parse_cell(cell)
            if not isinstance(written, _Written):
                continue
            self.seen.update(written.marks)
            self.shown[written.decimal] += 1
            self.final_zero[written.open] += written.decimals.endswith("0")
            if written.whole.strip("0") or written.decimals:
                self.not_three_places += len(written.decimals) != 3

    def read(self, cell: object) -> PriceCell:
        """Read "1 500 ₽", "1.500,00 €", "1500 рублей" or a number; an empty cell has no price."""
        if is_missing(cell):
            return PriceCell(None)
        if isinstance(cell, Real | Decimal) and not isinstance(cell, bool):
            return _in_range(cell)
        written = _parse_cell(cell)
        if isinstance(written, str):
            return PriceCell(None, written)
        thousands, certain = self._thousands(written.open) if written.open else (False, True)
        if written.open and not thousands and written.decimals.endswith("0"):
            certain &= not self.not_three_places
        dot = "" if thousands else "."
        sign = "-" if written.negative else ""
        found = _in_range(float(f"{sign}{written.whole}{dot}{written.decimals}"))
        if certain or found.problem:
            return found
        meaning = f"the {_MARKS[written.open]} as a mark of {_meaning(thousands)}"
        return found._replace(problem=f"price read with {meaning}, which is not certain")

    @property
    def convention(self) -> str:
        """What the column's marks were taken for, e.g. "prices: point for thousands", or ''."""
        said, all_certain = [], True
        for mark, name in _MARKS.items():
            if not self.seen[mark]:
                continue
            thousands, certain = self._thousands(mark)
            said.append(f"{name} for {_meaning(thousands)}")
            all_certain &= certain
        ending = "" if all_certain else " (not certain)"
        return f"prices: {', '.join(said)}{ending}" if said else ""

    def _thousands(self, mark: str) -> tuple[bool, bool]:
        """Return whether the mark stands between thousands, and whether that is certain."""
        decimals, thousands = self.shown[mark], self.shown[_OTHER[mark]]
        if self.not_three_places:
            thousands += self.final_zero[mark]
        fewer, more = sorted((decimals, thousands))
        # One slip in ten values does not unsettle a column.
        return thousands >= decimals, more > 0 and 10 * fewer <= more


def read_price(cell: object) -> PriceCell:
    """Read a price that stands alone, such as one in a request."""
    return PriceReader([cell]).read(cell)


def _meaning(thousands: bool) -> str:
    return "thousands" if thousands else "decimals"


def _in_range(value: float | Real | Decimal) -> PriceCell:
    if value < 0:
        return PriceCell(None, "price below zero")
    if not value <= _MAX_PRICE:
        return PriceCell(None, "price above 1e12")
    return PriceCell(float(value))


def _parse_cell(cell: object) -> _Written | str:
    """Return how a price is written; numbers and others than texts are not written."""
    if not isinstance(cell, str | bytes) or len(cell) > _LONGEST_CELL:
        return _UNREADABLE
    try:
        return _parse(value_as_text(cell))
    except UnicodeDecodeError:
        return _UNREADABLE


# Most prices occur more than once, and each is learned from and then read.
@lru_cache(maxsize=2**14)
def _parse(cell: str) -> _Written | str:
    """Return how a price is written, or why it cannot be read."""
    if cell.isascii() and cell.isdigit() and len(cell) < _LONGEST:
        return _Written(cell)
    text = visible(cell).translate(_APOSTROPHES)
    if len(text) > _LONGEST:
        return _UNREADABLE
    found = _PRICE.fullmatch(text)
    if found is None:
        if _RANGE.fullmatch(text):
            return "price is a range or a limit"
        return _RATE_PROBLEM if _RATE.fullmatch(text) else _UNREADABLE
    written = _parse_number(found["number"])
    if written is not None and found["kopecks"]:
        written = _with_kopecks(written, found["kopecks"])
    if written is None:
        return _UNREADABLE
    return written._replace(negative=bool(found["sign"]))


def _with_kopecks(written: _Written, kopecks: str) -> _Written | None:
    """Return a price of whole rubles with its kopecks; None if it has decimals as well."""
    if written.open:
        whole, mark = written.whole + written.decimals, written.open
        written = _Written(whole, marks=mark, decimal=_OTHER[mark])
    return None if written.decimals else written._replace(decimals=f"{kopecks:0>2}")


def _parse_number(number: str) -> _Written | None:
    if _SCIENTIFIC.fullmatch(number):
        value = f"{Decimal(number.replace(',', '.')):f}"
        whole, _, decimals = value.partition(".")
        return _Written(whole, decimals)
    found = _NUMBER.fullmatch(number)
    if found is None or (found["group"] and found["group"] == found["mark"]):
        return None
    whole, mark, decimals = found["whole"] or "", found["mark"] or "", found["decimals"] or ""
    group = "," if found["lakh"] else found["group"] or ""
    digits = whole if whole.isdecimal() else re.sub(r"\D", "", whole)
    if mark and not group and 1 <= len(whole) <= 3 and whole[0] != "0" and len(decimals) == 3:
        return _Written(digits, decimals, marks=mark, open=mark)
    marks = mark + group if group in _MARKS else mark
    return _Written(digits, decimals, marks=marks, decimal=mark or _OTHER.get(group, ""))
