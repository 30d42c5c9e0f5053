"""What each word adds to the score of a text model that is linear in words: TF-IDF."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from src.encoders.text.ngrams import BLOCKS
from src.encoders.text.stems import stems
from src.encoders.text.tfidf import TfidfClassifier


def word_parts(
    model: TfidfClassifier, title_words: str, text_words: str, column: int
) -> dict[str, float]:
    """Return each word's part of a class's score: its log-probability less the classes' mean.

    The parts and the model's constant sum to the score. What an n-gram adds is divided among the
    words that it stands in.

    Args:
        title_words, text_words: as `words` gives them.
        column: of the class; of one that the model did not learn there is no score: {}.
    """
    weights = _centred(model.classifier.coef_, model.classifier.classes_)
    if column not in weights:
        return {}
    spelled = f"{title_words} {text_words}"
    texts = {"title": title_words, "whole": spelled, "spelled": spelled}
    parts: defaultdict[str, float] = defaultdict(float)
    first = 0
    for name, part in model.vectors.items():
        text, by_word = texts[BLOCKS[name][0]], BLOCKS[name][1]["analyzer"] == "word"
        found = part.transform([stems(text) if by_word else text]).tocoo()
        of_term = dict(zip(found.col, found.data * weights[column][first + found.col], strict=True))
        first += len(part.vocabulary_)
        for term, owners in _owners(part.build_analyzer(), text, by_word).items():
            added = of_term.get(part.vocabulary_.get(term, -1), 0.0) / sum(owners.values())
            for word, count in owners.items():
                parts[word] += float(added * count)
    return dict(parts)


def _centred(coef: NDArray[np.floating], learned: NDArray[np.int64]) -> dict[int, NDArray]:
    """Return the weights [V] of each class that was learned, less their mean over these."""
    # Of two classes scikit-learn keeps the difference alone.
    rows = np.concatenate([np.zeros_like(coef), coef]) if len(coef) == 1 else coef
    return dict(zip(learned.tolist(), rows - rows.mean(0), strict=True))


def _owners(
    analyze: Callable[[str], list[str]], text: str, by_word: bool
) -> Mapping[str, Mapping[str, float]]:
    """Return how often each term stands in each word; one of two words counts half for each.

    Words of one stem share what the stem counts.
    """
    owners: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    if by_word:
        spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for word in text.split():
            spellings[stems(word)][word] += 1
        for term in analyze(stems(text)):
            for stem in term.split():
                for word, count in spellings[stem].items():
                    owners[term][word] += count / spellings[stem].total()
    else:
        for word in text.split():
            for term in analyze(word):
                owners[term][word] += 1
    return owners
