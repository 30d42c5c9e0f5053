"""Prices as people write them in the cells of a table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

from src.cleaning.tables.cells import value_as_text

_CURRENCY = re.compile(r"^[₽$€£]|(?:₽|\$|€|£|руб\.?|р\.|RUB|EUR|USD|GBP)$", re.IGNORECASE)


class PriceCell(NamedTuple):
    """A price or None; `problem` says why a price that is there cannot be used."""

    value: float | None
    problem: str = ""


def read_price(cell: str) -> PriceCell:
    """Read "1 500 ₽", "1.500,00 €", "1,500.00" or "12,5"; an empty cell has no price."""
    text = cell.strip()
    if not text:
        return PriceCell(None)
    number = _CURRENCY.sub("", re.sub(r"[\s\u202f\u00a0'’]", "", text))
    if "," in number and "." in number:
        thousands = "," if number.rfind(".") > number.rfind(",") else "."
        number = number.replace(thousands, "")
    elif re.fullmatch(r"-?\d{1,3}(,\d{3})+", number):
        number = number.replace(",", "")
    try:
        value = float(number.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value > 1e12:
        return PriceCell(None, "price cannot be read")
    return PriceCell(value) if value >= 0 else PriceCell(None, "price below zero")


class PriceReader:
    """STAND-IN for the reader that decides a column's convention."""

    def __init__(self, cells: Iterable[object]) -> None:
        self.convention = ""
        for _ in cells:
            pass

    def read(self, cell: object) -> PriceCell:
        return read_price(value_as_text(cell))
