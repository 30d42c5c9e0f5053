"""Made-up categories and groups of near-duplicates, to be split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from hypothesis import strategies as st

SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}


def made_market(categories: list[str], split: Sequence[str | None] | None = None) -> pd.DataFrame:
    """Listings of these categories with nothing but what a split reads."""
    ids = [f"{number:05}" for number in range(len(categories))]
    given_part = pd.array(split or [None] * len(ids), dtype="str")
    return pd.DataFrame({"id": ids, "category": categories, "split": given_part})


@st.composite
def markets(draw: st.DrawFn, smallest: int = 3) -> tuple[pd.DataFrame, pd.Series]:
    """Unbalanced categories; groups of one to six, now and then across two categories."""
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
