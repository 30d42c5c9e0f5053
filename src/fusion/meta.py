"""Columns that tell how a listing's texts are written, whatever they say.

Whether there is a photo or a price is known already, by the subset that answers. The date is not
read: a listing that asks for its category has none yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.fusion.blocks import Block


def with_meta(text: Block, table: pd.DataFrame) -> Block:
    """Return the block of the texts with six more columns, 0 for listings without a text.

    These are, of the title and then of the text: the logarithm of its length, and the shares of
    digits and of capitals in it.

    Args:
        text: the block, with columns [N, D].
        table: the N listings, with `title` and `text` as `with_words` cleans them.
    """
    meta = np.concatenate([_counts(table["title"]), _counts(table["text"])], axis=1)
    meta[~text.present] = 0
    return replace(text, columns=np.concatenate([text.columns, meta], axis=1))


def _counts(texts: Iterable[str]) -> NDArray[np.float32]:
    counts = [
        (len(text), sum(map(str.isdigit, text)), sum(map(str.isupper, text))) for text in texts
    ]
    length, digits, capitals = np.array(counts, np.float32).reshape(-1, 3).T
    whole = np.maximum(length, 1)
    return np.column_stack([np.log1p(length), digits / whole, capitals / whole])
