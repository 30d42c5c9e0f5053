"""Which words of a listing moved its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from src.cleaning.text import word_places, words
from src.encoders.text.tfidf import TfidfClassifier
from src.predict.explain.linear import word_parts
from src.predict.explain.odds import answer_log_odds
from src.predict.predictor import Predictor
from src.predict.scored import ScoredListings

# Each word that is left out is one more text to read.
MOST_WORDS = 64
Span = tuple[int, int]


class WordEffect(NamedTuple):
    """A word, whatever its case, and what it did for a class.

    Attributes:
        effect: in the unit that `Words.by` tells.
        title, text: start and end of each occurrence in the clean title and text.
    """

    word: str
    effect: float
    title: list[Span]
    text: list[Span]


class Words(NamedTuple):
    """The words of a listing, those with the largest effect first, up or down.

    Attributes:
        by: `left out`: how far the answer's log-odds fall without the word. `exact`: the word's
            part of the text model's own score, where that is a sum over words; all parts and a
            constant give the class's log-probability less the mean of all classes'.
        not_tried: further words, at the end of a long text.
    """

    by: Literal["left out", "exact"]
    found: list[WordEffect]
    not_tried: int


def word_effects(predictor: Predictor, listing: ScoredListings, column: int) -> Words:
    """Explain the answer to one listing by its words; stop words and marks do not count.

    Args:
        column: of the class whose log-odds are explained.
    """
    line = listing.table.iloc[0]
    places = _places(line["title"], line["text"])
    if isinstance(predictor.text, TfidfClassifier):
        parts = word_parts(predictor.text, line["title_words"], line["text_words"], column)
        return _sorted("exact", places, parts, 0)
    tried = list(places)[:MOST_WORDS] if listing.scores["text"].rows else []
    if not tried:
        return Words("left out", [], 0)
    whole = answer_log_odds(predictor, listing)[0, column]
    variants = without_words(listing.table, [{word} for word in tried])
    left_out = listing.with_scores(variants, text=predictor.score_texts(variants))
    effects = whole - answer_log_odds(predictor, left_out)[:, column]
    return _sorted(
        "left out", places, dict(zip(tried, effects, strict=True)), len(places) - len(tried)
    )


def without_words(table: pd.DataFrame, sets: list[set[str]]) -> pd.DataFrame:
    """Return a copy of the only listing for each set of words, without these words.

    Args:
        table: of `with_words`, one row.
    """
    variants = table.iloc[np.zeros(len(sets), int)].reset_index(drop=True)
    for name in ("title", "text"):
        whole = table[name].iloc[0]
        variants[name] = [_without(whole, left_out) for left_out in sets]
        variants[f"{name}_words"] = variants[name].map(words)
    return variants


def _without(text: str, left_out: set[str]) -> str:
    kept, end = [], 0
    for word, start, stop in word_places(text):
        if word in left_out:
            kept.append(text[end:start])
            end = stop
    return " ".join((" ".join([*kept, text[end:]])).split())


def _places(title: str, text: str) -> dict[str, dict[str, list[Span]]]:
    """Return where each word stands, in the order in which they come."""
    places: dict[str, dict[str, list[Span]]] = {}
    for name, whole in (("title", title), ("text", text)):
        for word, start, end in word_places(whole):
            places.setdefault(word, {"title": [], "text": []})[name].append((start, end))
    return places


def _sorted(
    by: Literal["left out", "exact"],
    places: Mapping[str, Mapping[str, list[Span]]],
    effects: Mapping[str, float],
    not_tried: int,
) -> Words:
    found = [
        WordEffect(word, float(effects[word]), place["title"], place["text"])
        for word, place in places.items()
        if word in effects
    ]
    return Words(by, sorted(found, key=lambda one: -abs(one.effect)), not_tried)
