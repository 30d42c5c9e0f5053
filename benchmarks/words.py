"""The TF-IDF row and its folds, against scikit-learn's pipeline fitted to each fold from the texts.

Words are made of syllables and drawn by Zipf's law, every category with its own favourites; lengths
are those of real ads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.compare import compare
from benchmarks.lines import Line, line

CLASSES, FOLDS, C, COMPONENTS, WORDS = 17, 5, 10.0, 128, 20_000
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


def run(quick: bool) -> list[Line]:
    count, rounds = (400, 1) if quick else (3000, 3)
    found = compare((ours, {"count": count}), (plain, {"count": count}), rounds, warm_up=0)
    apart = np.abs(found.ours - found.plain).max()
    same = (found.ours.argmax(1) == found.plain.argmax(1)).mean()
    note = f"{100 * same:.2f} % of predictions equal, probabilities within {apart:.1g}"
    name = f"words: TF-IDF, {count} texts, {FOLDS} folds"
    return [line(name, found, at_least=3, note=note)]


def made_listings(count: int, seed: int = 7) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return listings of words, and the class of each, [N]."""
    rng = np.random.default_rng(seed)
    words = np.array(["".join(rng.choice(SYLLABLES, rng.integers(1, 5))) for _ in range(WORDS)])
    share = 1 / np.arange(10, WORDS + 10)
    favourites = [rng.permutation(WORDS) for _ in range(CLASSES)]
    y = np.arange(count) % CLASSES
    lengths = np.exp(rng.normal(np.log(26), 1.1, count)).clip(2, 400).astype(int)

    def text(number: int, length: int) -> str:
        drawn = rng.choice(WORDS, length, p=share / share.sum())
        # A fifth of the words are of the category, the others of the language.
        own = favourites[y[number]][drawn]
        return " ".join(words[np.where(rng.random(length) < 0.2, own, drawn)])

    ids = [f"t{number:05}" for number in range(count)]
    titles = [text(number, 3) for number in range(count)]
    bodies = [text(number, length) for number, length in enumerate(lengths)]
    return pd.DataFrame({"id": ids, "title": titles, "text": bodies}), y


def ours(count: int) -> Callable[[], NDArray[np.float32]]:
    """Set up counting, a fit to all and one without each fold; returns their probabilities."""
    from src.core.schema import Tfidf
    from src.encoders.common.encoder import FitPlan
    from src.encoders.text.tfidf import TfidfEncoder

    settings = Tfidf(
        network="", weights="none", folds=FOLDS, C=C, components=COMPONENTS, imbalance="weights"
    )
    table, y = made_listings(count)
    tokens = pd.DataFrame(
        {"id": table["id"], "title": table["title"].str.split(), "body": table["text"].str.split()}
    )

    def work() -> NDArray[np.float32]:
        encoder = TfidfEncoder(table, tokens, y, [str(n) for n in range(CLASSES)], settings)
        probs = np.zeros((count, CLASSES), np.float32)
        for rest, held_out in _fits(count):
            model, _ = encoder.fit(rest, FitPlan(7, "words"))
            probs[held_out] = encoder.score(model, np.arange(count)).probs[held_out]
        return probs

    return work


def plain(count: int) -> Callable[[], NDArray[np.float32]]:
    """The same fits, each a pipeline of scikit-learn on the texts."""
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    from src.encoders.text.ngrams import stemmed, text_columns

    table, y = made_listings(count)
    texts = stemmed(text_columns(table["title"], table["text"]))
    given: dict[str, Any] = {"sublinear_tf": True, "min_df": 2, "dtype": np.float32}
    words = {"ngram_range": (1, 2), "token_pattern": r"\S+"} | given
    letters = {"ngram_range": (2, 5), "analyzer": "char_wb"} | given

    def work() -> NDArray[np.float32]:
        probs = np.zeros((count, CLASSES), np.float32)
        for rest, held_out in _fits(count):
            vectors = ColumnTransformer(
                [
                    ("title", TfidfVectorizer(**words), "title"),
                    ("words", TfidfVectorizer(**words), "whole"),
                    ("characters", TfidfVectorizer(**letters), "spelled"),
                ]
            )
            x = vectors.fit_transform(texts.iloc[rest])
            model = LogisticRegression(C=C, class_weight="balanced", max_iter=1000)
            model.fit(x, y[rest])
            reduction = TruncatedSVD(COMPONENTS, random_state=7).fit(x)
            every = vectors.transform(texts)
            reduction.transform(every)
            probs[held_out] = model.predict_proba(every)[held_out]
        return probs

    return work


def _fits(count: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield what each fit learns from and what its probabilities are kept of."""
    everything = np.arange(count)
    yield everything, everything
    for fold in range(FOLDS):
        held_out = everything[fold::FOLDS]
        yield np.setdiff1d(everything, held_out), held_out
