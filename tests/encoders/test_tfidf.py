"""TF-IDF: what it learns from, what it does without, and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from src.cleaning.text import with_words
from src.core.errors import UserError
from src.core.listings import labels_of
from src.core.schema import Tfidf
from src.encoders.common.encoder import FitPlan
from src.encoders.text.ngrams import text_columns
from src.encoders.text.tfidf import TfidfClassifier, TfidfEncoder
from tests.made import CLASSES, made_table

SETTINGS = Tfidf(network="", weights="none", folds=0, C=10.0, components=4, imbalance="weights")


def made_encoder(titles: bool = True, **others: tuple[str, str]) -> TfidfEncoder:
    """Return the encoder of 60 listings, with or without titles.

    Args:
        others: title and text of the listing at the position in the name, as `n50`.
    """
    table = made_table()
    for name, texts in others.items():
        table.loc[int(name[1:]), ["title_words", "text_words"]] = texts
    title = table["title_words"].str.split() if titles else [[]] * 60
    words = pd.DataFrame(
        {"id": table["id"], "title": title, "body": table["text_words"].str.split()}
    )
    return TfidfEncoder(table, words, labels_of(table)[1], CLASSES, SETTINGS)


def fitted(encoder: TfidfEncoder) -> TfidfClassifier:
    model, _ = encoder.fit(np.arange(36), FitPlan(7, "tfidf"))
    return model


def test_a_saved_model_is_read_back_with_known_types_and_predicts_the_same(tmp_path: Path) -> None:
    encoder = made_encoder()
    model = fitted(encoder)
    model.save(tmp_path)
    loaded = TfidfClassifier.load(tmp_path)
    for found, expected in zip(
        encoder.score(loaded, np.arange(60)), encoder.score(model, np.arange(60)), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_tfidf_does_without_titles_and_with_classes_that_a_fold_lacks() -> None:
    encoder = made_encoder(titles=False)
    true = labels_of(made_table())[1]
    two = np.flatnonzero(true != 1)
    model, curves = encoder.fit(two, FitPlan(7, "tfidf"))
    features, probs, known = encoder.score(model, np.arange(60))
    assert not len(curves)
    assert features.shape == (60, 4)
    assert not probs[:, 1].any()
    assert known.all()
    right = probs.argmax(1) == true
    assert right[two].mean() > 0.9


def test_tfidf_learns_words_of_its_fitting_rows_alone() -> None:
    new = ("шифоньер", "шифоньер")
    vectors = fitted(made_encoder(n50=new, n51=new, n52=new)).vectors
    words = vectors["words"].vocabulary_
    assert "книг" in words
    assert "шифоньер" not in words
    learned = fitted(made_encoder(n1=new, n2=new)).vectors
    assert "шифоньер" in learned["words"].vocabulary_


def test_a_text_of_which_nothing_is_known_teaches_nothing_and_is_not_known() -> None:
    # One of the train split and one of test; each word occurs once, so it is not learned.
    encoder = made_encoder(n1=("", "xyzzy"), n50=("", "👍"))
    model = fitted(encoder)
    known = encoder.score(model, np.arange(60)).known
    assert np.flatnonzero(~known).tolist() == [1, 50]
    labels, weights = encoder.labels, []
    for row in (None, 1, 2):
        encoder.labels = np.where(np.arange(60) == row, 0, labels)
        weights.append(fitted(encoder).classifier.coef_)
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.allclose(weights[0], weights[2])


@pytest.mark.parametrize(("text", "known"), [("книги", True), ("книжка", True), ("x", False)])
def test_a_sequence_of_characters_is_enough_to_be_known(text: str, known: bool) -> None:
    texts = text_columns(pd.Series([""]), pd.Series([text]))
    assert fitted(made_encoder()).score_texts(texts).known.tolist() == [known]


def encoder_of(texts: list[str], titles: list[str] | None = None) -> TfidfEncoder:
    """Return the encoder of 60 listings with these texts in turn, cleaned as `prepare` does."""
    table = made_table()
    table["title"] = [(titles or [""])[n % len(titles or [""])] for n in range(60)]
    table["text"] = [texts[n % len(texts)] for n in range(60)]
    table = with_words(table)
    words = pd.DataFrame(
        {
            "id": table["id"],
            "title": table["title_words"].str.split(),
            "body": table["text_words"].str.split(),
        }
    )
    return TfidfEncoder(table, words, labels_of(table)[1], CLASSES, SETTINGS)


@pytest.mark.parametrize(
    "texts",
    [
        [f"{n * 7919 + 104729:x}" for n in range(60)],
        [f"超大{n}号全新连衣裙包邮{n}" for n in range(60)],
        [f"ABC-{n}" for n in range(60)],
        ["и в на", "стол"],
    ],
    ids=["unique codes", "no spaces", "codes with a common part", "half of stop words"],
)
def test_texts_without_a_common_word_are_read_by_parts_of_words(texts: list[str]) -> None:
    encoder = encoder_of(texts)
    features, probs, _ = encoder.score(fitted(encoder), np.arange(len(encoder.rows)))
    assert features.shape[1] == 4
    np.testing.assert_allclose(probs.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("text", ["и в на с", "😀😀", "!!!", "☎️ ❤️"])
def test_texts_without_any_word_are_refused_in_one_line(text: str) -> None:
    encoder = encoder_of([text])
    with pytest.raises(UserError, match=r"^TF-IDF has nothing to learn: no word, .* rows\.text$"):
        fitted(encoder)
