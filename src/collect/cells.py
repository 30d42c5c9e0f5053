"""What stands in the cells of the user's table: text, prices, and values that cannot be used."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from src.collect.found import Found, Note
from src.listings import PARTS
from src.prepare.redact import redact

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_CURRENCY = re.compile(r"^[₽$€£]|(?:₽|\$|€|£|руб\.?|р\.|RUB|EUR|USD|GBP)$", re.IGNORECASE)


def as_text(column: pd.Series) -> pd.Series:
    """Text, empty where missing; 7.0 from a column of numbers with gaps is "7"."""

    def text(value: Any) -> str:
        # Of a list or the like in a cell, isna would be an array.
        if pd.api.types.is_scalar(value) and pd.isna(value):
            return ""
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value)

    return column.astype(object).map(text).astype(object)


def fault_of(row: dict[str, str], earlier: Mapping[str, object]) -> tuple[str, str] | None:
    """Why a row cannot be used: a reason to count by, and a detail."""
    category = row["category"].strip()
    if not row["id"]:
        return "no id", ""
    if not _ID.fullmatch(row["id"]):
        return "id with other characters than letters, digits, - and _, or over 64", ""
    if row["id"] in earlier:
        return "id is there already", ""
    if not category:
        return "no category", ""
    if len(category) > 200:
        return "category longer than 200 characters", redact(category[:60])
    if row.get("part") and row["part"] not in PARTS:
        return f"part is none of {', '.join(PARTS)}", row["part"][:60]
    return None


def price_of(row: dict[str, str], found: Found) -> float | None:
    """A row's price; None, and a note, where something else than a price stands there."""
    given = row.get("price", "").strip()
    if not given:
        return None
    # "1 500 ₽", "1.500,00 €", "1,500.00" and "12,5" all are prices.
    number = _CURRENCY.sub("", re.sub(r"[\s\u202f\u00a0'’]", "", given))
    if "," in number and "." in number:
        thousands = "," if number.rfind(".") > number.rfind(",") else "."
        number = number.replace(thousands, "")
    elif re.fullmatch(r"-?\d{1,3}(,\d{3})+", number):
        number = number.replace(",", "")
    try:
        price = float(number.replace(",", "."))
    except ValueError:
        price = math.nan
    if not math.isfinite(price) or price > 1e12:
        found.noted.append(Note(row["id"], "price cannot be read", redact(given)[:60]))
    elif price < 0:
        found.noted.append(Note(row["id"], "price below zero", given[:60]))
    else:
        return price
    return None


def date_of(row: dict[str, str], found: Found) -> str | None:
    """The day a row was put up, as an ISO date; None, and a note, where it cannot be read."""
    given = row.get("listed", "").strip()
    if not given:
        return None
    # Day first, as most of the world writes it, unless the year comes first.
    day = pd.to_datetime(given, errors="coerce", utc=True, dayfirst=not given[:4].isdecimal())
    if pd.isna(day):
        found.noted.append(Note(row["id"], "date cannot be read", redact(given)[:60]))
        return None
    return str(day.date().isoformat())
