"""Made-up listings and groups of near-duplicates to split, and the settings for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from ruamel.yaml import YAML

from src.core.listings import RAW, check_listings
from src.core.params import parse_params
from src.core.schema import Prepare

_ROOT = Path(__file__).parents[2]
PREPARE = parse_params(YAML(typ="safe").load(_ROOT / "params.yaml")).prepare
SHARES = PREPARE.parts.model_dump()


def settings_with(**changes: Any) -> Prepare:
    """Return the section `prepare` of params.yaml with other values."""
    return PREPARE.model_copy(update=changes)


def made_market(categories: list[str], split: Sequence[str | None] | None = None) -> pd.DataFrame:
    """Return listings of these categories with only the columns that a split reads."""
    ids = [f"{number:05}" for number in range(len(categories))]
    given_split = pd.array(split or [None] * len(ids), dtype="str")
    return pd.DataFrame({"id": ids, "category": categories, "split": given_split})


@st.composite
def markets(draw: st.DrawFn, smallest: int = 3) -> tuple[pd.DataFrame, pd.Series]:
    """Draw unbalanced categories; groups of one to six, sometimes across two categories."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    categories: list[str] = []
    for name in range(draw(st.integers(2, 8))):
        categories += [f"c{name}"] * draw(st.integers(smallest, 80))
    table = made_market(categories)
    group = np.arange(len(table))
    for _ in range(draw(st.integers(0, len(table) // 6))):
        rows = rng.integers(len(table)) + np.arange(rng.integers(1, 7))
        group[rows[rows < len(table)]] = rows[0]
    return table, pd.Series([f"g{name}" for name in group], index=table.index)


def raw_market(count: int = 90) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return listings as collected, of three categories, and the index of their photos."""
    rng = random.Random(0)
    rows = []
    for number in range(count):
        text = " ".join(f"слово{rng.randrange(10**6)}" for _ in range(30))
        rows.append(
            {
                "id": f"{number:04}",
                "title": f"Вещь &amp; номер {number}",
                "text": f"{text} 8 (905) 123-45-67",
                "price": 100.0 if number % 10 else np.nan,
                "category": ("Мебель", "Книги", "Часы")[number % 3],
                "photo": f"{number}.jpg" if number % 5 else None,
                "seller": None,
                "split": None,
                "listed": f"2024-03-{1 + number % 30:02}",
            }
        )
    raw = check_listings(pd.DataFrame(rows), RAW, "raw")
    has = raw["photo"].notna().to_numpy()
    index = pd.DataFrame({"id": raw["id"], "row": np.where(has, np.arange(count), -1)})
    index["sha256"] = pd.array([f"{i:064x}" if has[i] else None for i in range(count)], dtype="str")
    codes = [f"{rng.getrandbits(64):016x}" if one else None for one in has]
    index["phash"] = pd.array(codes, dtype="str")
    index["problem"] = pd.array([None] * count, dtype="str")
    return raw, index
