"""Scores against small cases worked out by hand, and properties of any scores."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.evaluation.ceilings import ceilings
from src.evaluation.model_probs import probs_or_prior
from src.evaluation.scores import hidden_scores, macro_f1, per_class, score, seen_scores
from tests.made import made_features, made_table

ACTUAL = np.array(["a", "a", "a", "b", "b", "c"])
PREDICTED = np.array(["a", "a", "b", "b", "c", "d"])
# By hand: a 2/3 1 -> F1 0.8; b 1/2 1/2 -> 0.5; c 0; d does not occur and does not count.
BY_HAND = (0.8 + 0.5 + 0) / 3

NAMES = st.sampled_from(["a", "b", "c", "d"])
PAIRS = st.lists(st.tuples(NAMES, NAMES, st.booleans()), min_size=1, max_size=30)


def columns(pairs: list[tuple[str, str, bool]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    actual, predicted, photo = zip(*pairs, strict=True)
    return np.array(actual), np.array(predicted), np.array(photo)


def test_macro_f1_is_the_mean_over_the_categories_that_occur() -> None:
    assert macro_f1(ACTUAL, PREDICTED) == pytest.approx(BY_HAND, abs=1e-6)


def test_all_listings_and_those_with_a_photo_are_scored() -> None:
    photo = np.array([True, True, True, False, False, False])
    assert score(ACTUAL, PREDICTED, photo) == {
        "n": 6,
        "f1_macro": pytest.approx(BY_HAND, abs=1e-6),
        "accuracy": 0.5,
        "n_photo": 3,
        "f1_macro_photo": 0.8,
        "accuracy_photo": pytest.approx(2 / 3, abs=1e-6),
    }


def test_each_category_has_a_line() -> None:
    table = per_class(ACTUAL, PREDICTED)
    assert table["category"].tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(table["precision"], [1, 0.5, 0])
    np.testing.assert_allclose(table["recall"], [2 / 3, 0.5, 0])
    np.testing.assert_allclose(table["f1"], [0.8, 0.5, 0])
    assert table["n"].tolist() == [3, 2, 1]


@settings(deadline=None)
@given(PAIRS)
def test_scores_lie_between_0_and_1_and_none_is_missing(pairs: list[tuple[str, str, bool]]) -> None:
    actual, predicted, photo = columns(pairs)
    scores = score(actual, predicted, photo)
    expected = {"n", "f1_macro", "accuracy", "n_photo"}
    if photo.any():
        expected |= {"f1_macro_photo", "accuracy_photo"}
    assert set(scores) == expected
    assert all(0 <= v <= 1 for k, v in scores.items() if not k.startswith("n"))
    assert (scores["f1_macro"] == 1) == (actual == predicted).all()
    json.dumps(scores)  # plain numbers


@settings(deadline=None)
@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_the_listings_does_not_matter(
    pairs: list[tuple[str, str, bool]], random: object
) -> None:
    mixed = pairs.copy()
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert score(*columns(mixed)) == score(*columns(pairs))


@settings(deadline=None)
@given(PAIRS)
def test_the_names_of_the_categories_do_not_matter(pairs: list[tuple[str, str, bool]]) -> None:
    renamed = {"a": "z", "b": "y", "c": "x", "d": "w"}
    other = [(renamed[a], renamed[p], photo) for a, p, photo in pairs]
    assert score(*columns(other)) == pytest.approx(score(*columns(pairs)), abs=2e-6)


@settings(deadline=None)
@given(PAIRS)
def test_the_leaky_accuracy_is_composed_of_seen_and_unseen_listings(
    pairs: list[tuple[str, str, bool]],
) -> None:
    actual, predicted, seen = columns(pairs)
    parts = seen_scores(actual, predicted, seen)
    f = parts["share_seen"]
    whole = f * parts.get("accuracy_seen", 0) + (1 - f) * parts.get("accuracy_unseen", 0)
    # Each of the numbers is rounded to six digits.
    assert whole == pytest.approx((actual == predicted).mean(), abs=2e-6)
    assert ("accuracy_seen" in parts) == seen.any()
    assert ("accuracy_unseen" in parts) == (~seen).any()


def test_scores_with_inputs_hidden_are_named_by_what_stays() -> None:
    sure = np.eye(3, dtype=np.float32)
    names = np.array(["a", "b", "c"])
    without = {"photo_only": sure, "text_only": sure[[1, 2, 0]]}
    found = hidden_scores(names, names, without)
    assert found == {"f1_macro_photo_only": 1.0, "f1_macro_text_only": 0.0}


def test_a_listing_without_the_modality_gets_the_class_shares_of_the_train_split() -> None:
    table = made_table()
    table.loc[0, "category"] = "Мебель"
    some = made_features(table).subset(np.arange(0, 60, 2))
    rows = (table["split"] == "test").to_numpy()
    probs = probs_or_prior(table, some, rows)
    # Of 36 train listings, 12 of each category, one changed from Книги to Мебель.
    np.testing.assert_allclose(probs[1::2], np.tile(np.array([11, 13, 12]) / 36, (6, 1)), rtol=1e-6)
    np.testing.assert_array_equal(probs[::2], some.probs[24:])


def test_ceilings_are_the_scores_of_ideal_classifiers() -> None:
    table = pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(7)],
            "split": ["test"] * 6 + ["train"],
            "fold": [-1] * 7,
            # r4 is shown under a wrong category.
            "category": ["a", "a", "a", "b", "b", "b", "b"],
        }
    )
    truth = pd.DataFrame(
        {
            "id": [f"r{i}" for i in reversed(range(7))],
            "category": ["b", "b", "a", "b", "a", "a", "a"],
            "photo_informative": [True, True, True, False, False, True, True],
            "text_informative": [True, False, False, True, False, False, True],
        }
    )
    best = ceilings(table, truth)
    # Photos tell r0, r1 (a), r4 (a, shown b), r5 (b); r2, r3 are guessed: 4 of 6, either way.
    assert best["photo"]["accuracy"] == pytest.approx(4 / 6, abs=1e-6)
    # a for both: a has 3 right of 5 named, 3 there -> 0.75; b 1 of 1, 3 there -> 0.5.
    # b for both: a 2 of 3, 3 there -> 2/3; b 2 of 3 -> 2/3. The better of the two counts.
    assert best["photo"]["f1_macro"] == pytest.approx(2 / 3, abs=1e-6)
    # Texts tell r0, r3; with a for the rest 4 of 6, with b 1 + 3 = 4 of 6.
    assert best["text"]["accuracy"] == pytest.approx(4 / 6, abs=1e-6)
    # Both tell all but r2, which is guessed right; r4 cannot be right.
    assert best["both"]["accuracy"] == pytest.approx(5 / 6, abs=1e-6)
    assert set(best) == {"photo", "text", "both"}
