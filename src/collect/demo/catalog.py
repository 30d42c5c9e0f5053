"""What the demo marketplace sells, read from catalog.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Thing:
    """One kind of product: its glyph, median price in roubles, names and makes."""

    glyph: str
    price: float
    nouns: list[str]
    makes: list[str]


@dataclass(frozen=True)
class Category:
    """A category of products; `share` is its share of all listings."""

    slug: str
    name: str
    share: float
    details: list[str]
    sentences: list[str]
    things: list[Thing]


def _category(row: dict[str, Any]) -> Category:
    return Category(**{**row, "things": [Thing(**thing) for thing in row["things"]]})


_CATALOG = tomllib.loads(Path(__file__).with_name("catalog.toml").read_text(encoding="utf-8"))
CATEGORIES = tuple(_category(row) for row in _CATALOG["categories"])
# Glyphs of no category: for uninformative photos, and as small things beside the product.
NEUTRAL_GLYPHS: str = _CATALOG["neutral_glyphs"]
