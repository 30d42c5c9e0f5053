"""Whether a bundle answers as the fitted models do that it was made from."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.errors import UserError
from src.encoders.text.tokens import rows_with_text
from src.predict.bundle import predicting_row
from src.predict.export import load_fitted
from src.predict.models import load_model
from src.predict.predictor import Predictor

# Of any probability. Rounding makes some 1e-6.
LARGEST_DIFFERENCE = 1e-4
# So many listings are compared with each subset of what the models read.
_OF_EACH = 8


def require_same_answers(bundle: Path, fitted: Path, table: pd.DataFrame, packed: Path) -> None:
    """Predict some listings by a bundle and by its models in PyTorch, with each subset of inputs.

    Args:
        fitted: a folder like data/checkpoints with the models.
        table: the prepared listings.
        packed: the file of the packed photos.

    Raises:
        UserError: a probability differs by more than LARGEST_DIFFERENCE.
    """
    ours, theirs = Predictor(bundle), Predictor(bundle)
    rows = ours.info.rows
    for kind in ("image", "text"):
        if kind in rows:
            setattr(theirs, kind, load_model(kind, fitted / rows[kind], load_fitted))
    reads = ours.info.reads
    subsets = list(chain.from_iterable(combinations(reads, n + 1) for n in range(len(reads))))
    there = {
        "photo": (table["photo_row"] >= 0).to_numpy(bool),
        "text": np.isin(np.arange(len(table)), rows_with_text(table)),
        "price": table["price"].notna().to_numpy(bool),
    }
    chosen: list[NDArray[np.intp]] = []
    for subset in subsets:
        having = np.flatnonzero(np.logical_and.reduce([there[name] for name in subset]))
        chosen.append(
            having[np.linspace(0, len(having) - 1, min(_OF_EACH, len(having))).astype(int)]
        )
    listings = table.iloc[np.concatenate(chosen)].reset_index(drop=True)
    read = [s for s, some in zip(subsets, chosen, strict=True) for _ in some]
    has = {name: np.array([name in subset for subset in read]) for name in ("text", "price")}
    cells = pd.DataFrame(
        {
            "title": listings["title"].where(has["text"], ""),
            "text": listings["text"].where(has["text"], ""),
            "price": listings["price"].where(has["price"], np.nan),
        }
    )
    stored = np.load(packed, mmap_mode="r") if "photo" in reads else None
    photos = [
        stored[number] if stored is not None and "photo" in subset and number >= 0 else None
        for number, subset in zip(listings["photo_row"], read, strict=True)
    ]
    found, expected = (predictor.predict(cells, photos).probs for predictor in (ours, theirs))
    apart = np.nan_to_num(np.abs(found - expected)).max(1)
    worst = int(apart.argmax())
    if apart[worst] > LARGEST_DIFFERENCE or (np.isnan(found) != np.isnan(expected)).any():
        _, name = predicting_row(rows)
        raise UserError(
            f"without PyTorch, {name} gives a probability that differs by {apart[worst]:.2g} "
            f"(listing {listings['id'][worst]}, by {', '.join(read[worst])}); expected at most "
            f"{LARGEST_DIFFERENCE}: choose another model or text_model in params.yaml"
        )
