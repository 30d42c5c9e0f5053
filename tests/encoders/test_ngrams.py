"""n-grams counted once: what is fitted to some texts is scikit-learn's of these alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from src.core.errors import UserError
from src.encoders.text.ngrams import CountedTexts, text_columns, tfidf_of

# Few letters, so that words are shared; some change their length in lower case, or end words.
WORDS = st.lists(st.text("aBя-Σİ1", min_size=1, max_size=4), max_size=5).map(" ".join)
LISTINGS = st.lists(st.tuples(WORDS, WORDS), min_size=2, max_size=8)
BLOCKS = {
    "title": ("title", {"ngram_range": (1, 2), "token_pattern": r"\S+"}),
    "words": ("whole", {"ngram_range": (1, 2), "token_pattern": r"\S+"}),
    "characters": (
        "spelled",
        {"ngram_range": (2, 5), "analyzer": "char_wb", "token_pattern": None},
    ),
}


def columns(listings: Sequence[tuple[str, str]]) -> pd.DataFrame:
    titles, bodies = zip(*listings, strict=True)
    return text_columns(pd.Series(titles), pd.Series(bodies))


def expected(
    texts: pd.DataFrame, asked: pd.DataFrame
) -> dict[str, tuple[TfidfVectorizer, csr_matrix]]:
    """Fit scikit-learn to texts; return what it is and gives for each block that has terms."""
    found = {}
    for name, (column, given_settings) in BLOCKS.items():
        vectors = TfidfVectorizer(min_df=2, sublinear_tf=True, dtype=np.float32, **given_settings)
        try:
            vectors.fit(texts[column])
        except ValueError:
            continue
        found[name] = (vectors, vectors.transform(asked[column]))
    return found


@settings(deadline=None, max_examples=40)
@given(LISTINGS, st.data())
def test_a_fold_is_fitted_as_if_there_were_no_other_texts(
    listings: list[tuple[str, str]], data: st.DataObject
) -> None:
    texts = columns(listings)
    learned = np.array(
        data.draw(st.lists(st.sampled_from(range(len(texts))), min_size=1, unique=True))
    )
    counted, theirs = CountedTexts(texts), expected(texts.iloc[learned], texts)
    if not theirs:
        with pytest.raises(UserError, match="nothing to learn"):
            counted.fit(learned)
        return
    fitted, of_learned = counted.fit(learned)
    assert list(fitted) == list(theirs)
    for name, (vectors, _) in theirs.items():
        part = fitted[name]
        assert part.vocabulary_ == vectors.vocabulary_
        np.testing.assert_array_equal(part.idf_, vectors.idf_)
        assert part.get_params() == vectors.get_params()
    whole = np.hstack([matrix.toarray() for _, matrix in theirs.values()])
    everything = counted.transform(fitted, np.arange(len(texts)))
    np.testing.assert_array_equal(everything.toarray(), whole)
    np.testing.assert_array_equal(of_learned.toarray(), whole[learned])
    # What is saved knows nothing of the counts.
    np.testing.assert_array_equal(tfidf_of(fitted, texts).toarray(), whole)


def test_texts_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = CountedTexts(columns([("a b", "b c"), ("a", "c"), ("b", "d c"), ("x", "a d")]))
    fits = [counted.fit(rows)[0] for rows in (np.arange(3), np.arange(1, 4))]

    def never(*_: object) -> None:
        raise AssertionError("the n-grams were counted before")

    monkeypatch.setattr("sklearn.feature_extraction.text._analyze", never)
    for fitted in fits:
        assert counted.transform(fitted, np.arange(4)).nnz
