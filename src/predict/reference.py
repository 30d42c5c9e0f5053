"""What the training ads were like, in counts: new ads are compared with it by `src.predict.watch`.

A bundle holds it as reference.json and reference.npz: counts, means, edges of bins and hashes of
words; no ad can be told from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from src.core.errors import UserError
from src.core.files import read_json, write_json, write_npz

_FILE, _WORDS = "reference.json", "reference.npz"
# Bins of equal mass, for prices and confidences.
_BINS = 10
# Between bins of shares of words, for in most ads no word is unseen: equal mass would be one bin.
_SHARES = [n / 50 for n in range(1, 50)]


class Bins(BaseModel):
    """A number of the training ads in bins.

    Attributes:
        edges: between the bins, [B - 1]; a number on an edge is in the bin above it.
        counts: of ads in each bin, [B].
        missing: ads without the number.
        mean: of the ads that have it; 0 for none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    edges: list[float]
    counts: list[int]
    missing: int
    mean: float

    @classmethod
    def of(cls, numbers: NDArray[np.float64]) -> Bins:
        """Put numbers, [N], NaN where there is none, into bins of equal mass, as far as they go."""
        known = numbers[~np.isnan(numbers)]
        edges: list[float] = []
        if len(known):
            edges = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)).tolist()
        return cls.at(edges, numbers)

    @classmethod
    def at(cls, edges: list[float], numbers: NDArray[np.float64]) -> Bins:
        """Put numbers, [N], NaN where there is none, into bins with these edges."""
        known = numbers[~np.isnan(numbers)]
        places = np.searchsorted(edges, known, side="right")
        return cls(
            edges=edges,
            counts=np.bincount(places, minlength=len(edges) + 1).tolist(),
            missing=len(numbers) - len(known),
            mean=float(known.mean()) if len(known) else 0.0,
        )


class Reference(BaseModel):
    """The training ads in counts, and what the model promised.

    Attributes:
        listings: how many.
        photos: how many have a photo.
        prices: in bins.
        unseen_words: the share of an ad's words that no ad of another group has, in bins.
        confidences: of the answers on test listings, calibrated, in bins.
        categories: how often each of all was answered on test listings.
        scores: of the row that predicts: n, f1_macro, f1_low, f1_high, accuracy, accuracy_low,
            accuracy_high.
        category_column: of the user's table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    listings: int
    photos: int
    prices: Bins
    unseen_words: Bins
    confidences: Bins
    categories: dict[str, int]
    scores: dict[str, float]
    category_column: str


_SCORES = ("n", "f1_macro", "f1_low", "f1_high", "accuracy", "accuracy_low", "accuracy_high")


def write_reference(
    folder: Path,
    table: pd.DataFrame,
    answers: pd.DataFrame,
    scores: dict[str, Any],
    category_column: str,
) -> None:
    """Write the two files into a bundle's folder.

    Args:
        table: the prepared listings.
        answers: of the row that predicts on the test listings: predicted, predicted_prob.
        scores: of that row.
    """
    of_ads = [ad_words(ad) for ad in (table["title_words"] + " " + table["text_words"])]
    groups: dict[str, set[str]] = {}
    for group, ad in zip(table["group"], of_ads, strict=True):
        groups.setdefault(group, set()).update(ad)
    in_groups = Counter(word for ad in groups.values() for word in ad)
    alone = {word for word, groups_with in in_groups.items() if groups_with == 1}
    reference = Reference(
        listings=len(table),
        photos=int((table["photo_row"] >= 0).sum()),
        prices=Bins.of(table["price"].to_numpy(dtype=float)),
        unseen_words=Bins.at(_SHARES, np.array([share_of(ad, alone) for ad in of_ads])),
        confidences=Bins.of(answers["predicted_prob"].to_numpy(dtype=float)),
        categories={
            name: int((answers["predicted"] == name).sum()) for name in table["category"].unique()
        },
        scores={name: float(scores[name]) for name in _SCORES},
        category_column=category_column,
    )
    write_json(folder / _FILE, reference.model_dump())
    write_npz(folder / _WORDS, {"words": np.unique(_hashes(in_groups))})


def read_reference(folder: Path) -> Reference:
    """Read reference.json of a bundle; raises UserError where it is missing or broken."""
    try:
        return Reference.model_validate(read_json(folder / _FILE))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder / _FILE} is missing or broken; make the bundle again with `dvc repro bundle`"
        ) from error


def unseen_shares(folder: Path, texts: pd.Series) -> NDArray[np.float64]:
    """Return the share of each text's words that no training ad has, [N]; NaN without words.

    Args:
        folder: of a bundle.
        texts: words joined by spaces.
    """
    with np.load(folder / _WORDS, allow_pickle=False) as stored:
        seen = stored["words"]
    of_ads = [ad_words(text) for text in texts]
    words = sorted(set().union(*of_ads))
    unseen = {
        word
        for word, is_seen in zip(words, np.isin(_hashes(words), seen), strict=True)
        if not is_seen
    }
    return np.array([share_of(ad, unseen) for ad in of_ads])


def ad_words(text: str) -> set[str]:
    """Return the different words of a text, without numbers, which are new in any ad."""
    return {word for word in text.split() if not word.isdigit()}


def share_of(ad: set[str], words: set[str]) -> float:
    """Return the share of an ad's words that are among others; NaN without words."""
    return len(ad & words) / len(ad) if ad else float("nan")


def _hashes(words: Iterable[str]) -> NDArray[np.uint64]:
    """Return a hash of each word: enough to find it again, and shorter than a list of words."""
    hashed = [blake2b(word.encode(), digest_size=8).digest() for word in words]
    return np.frombuffer(b"".join(hashed), dtype=np.uint64)
