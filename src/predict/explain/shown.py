"""Explanations as lines of text, and as columns of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from src.core.wording import count_of
from src.fusion.shapley import MODALITIES, log_odds
from src.predict.explain.explanation import Explanation, modalities_of, nearest_ads
from src.predict.explain.odds import answer_contributions
from src.predict.explain.words import Words, word_effects
from src.predict.predictor import Predictor
from src.predict.scored import ScoredListings

# Words that are shown of one listing, and in a cell of a table.
_LINE_WORDS, _CELL_WORDS = 8, 5
_HOW = {"left out": "each left out in turn", "exact": "parts of the text model's score"}
# The columns of text in `explained_columns`.
TEXTS = ("why_words", "why_nearest")


def as_lines(found: Explanation) -> list[str]:
    """Return the explanation of one listing as lines for people."""
    lines = [
        f"why {found.category}, in log-odds:",
        f"  {found.prior_log_odds:+.2f}  its share of the training ads",
        *(f"  {value:+.2f}  {name}" for name, value in found.contributions.items()),
        f"  {found.log_odds:+.2f}  in all, a probability of {found.probability:.3f}",
    ]
    if found.words and found.words.found:
        further = f"; {count_of(found.words.not_tried, 'further word')} not tried"
        lines.append(
            f"words ({_HOW[found.words.by]}{further if found.words.not_tried else ''}): "
            + _named(found.words, _LINE_WORDS)
        )
    if found.photo and found.photo.effect > 0:
        patch = found.photo.patch
        lines.append(
            f"photo: most by the part from {patch.left:.0%} to {patch.right:.0%} of its width and "
            f"{patch.top:.0%} to {patch.bottom:.0%} of its height: {found.photo.effect:+.2f}"
        )
    if found.nearest:
        lines.append("nearest training ads, by similarity (1.00 for a copy):")
        lines += [
            f"  {ad.similarity:.2f}  {ad.category}: {ad.title} ({ad.id})" for ad in found.nearest
        ]
    return lines


def explained_columns(predictor: Predictor, listings: ScoredListings) -> pd.DataFrame:
    """Explain the likeliest categories of N listings, in log-odds; '' and NaN where there is none.

    Columns: why_prior (of the category's share of the training ads), why_photo, why_text and
    why_price (what each adds to it), why_words and why_nearest (ids and categories).
    """
    probs, used = predictor.answer(listings)
    column = np.nan_to_num(probs).argmax(1)
    rows = np.arange(len(used))
    answered = np.array([subset != "" for subset in used], bool)
    prior = log_odds(predictor.prior[None])[0, column]
    whys = {"why_prior": np.where(answered, prior, np.nan)}
    singles = [listings.only(row) for row in range(len(used))]
    has = [modalities_of(predictor, one) for one in singles]
    added = answer_contributions(predictor, listings)
    for name in MODALITIES:
        mask = answered & [name in some for some in has]
        values = added[name][rows, column] if name in added else np.nan
        whys[f"why_{name}"] = np.where(mask, values, np.nan)
    words, nearest = [], []
    for one, subset, of_class in zip(singles, used, column, strict=True):
        found = word_effects(predictor, one, int(of_class)) if "text" in subset else None
        words.append(_named(found, _CELL_WORDS) if found else "")
        ads = nearest_ads(predictor, one) if subset else []
        nearest.append("; ".join(f"{ad.id}: {ad.category}" for ad in ads))
    return pd.DataFrame(whys | dict(zip(TEXTS, (words, nearest), strict=True)))


def _named(words: Words, most: int) -> str:
    return ", ".join(f"{one.word} {one.effect:+.2f}" for one in words.found[:most])
