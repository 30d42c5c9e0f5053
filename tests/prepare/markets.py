"""Made-up listings and groups of near-duplicates to split, and the settings for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from ruamel.yaml import YAML

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
