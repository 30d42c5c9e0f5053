"""Prices as people write them in the cells of a table."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

_CURRENCY = re.compile(r"^[₽$€£]|(?:₽|\$|€|£|руб\.?|р\.|RUB|EUR|USD|GBP)$", re.IGNORECASE)


class Price(NamedTuple):
    """A price, None where there is none; `problem` says why one that was given is not used."""

    value: float | None
    problem: str = ""


def read_price(cell: str) -> Price:
    """Read "1 500 ₽", "1.500,00 €", "1,500.00" or "12,5"; an empty cell has no price."""
    given = cell.strip()
    if not given:
        return Price(None)
    number = _CURRENCY.sub("", re.sub(r"[\s\u202f\u00a0'’]", "", given))
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
        return Price(None, "price cannot be read")
    return Price(value) if value >= 0 else Price(None, "price below zero")
