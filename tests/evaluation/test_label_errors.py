"""Planted wrong labels are found, by models that did not learn from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from src.evaluation.added import ADDED
from src.evaluation.label_errors import (
    LABEL_ERROR_COLUMNS,
    find_label_errors,
    out_of_sample_probs,
)
from src.evaluation.planted import labels_found, pairs_found
from tests.made import CLASSES, made_output, made_table, one_hot

NAMES = np.array(["a", "b", "c"])
NOTHING = np.zeros((300, 3, 3), np.float32)


def mislabelled(n: int = 300, wrong: int = 15) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Labels, the first `wrong` of them wrong, and good but noisy probabilities."""
    rng = np.random.default_rng(0)
    true = np.arange(n) % 3
    logits = 4 * np.eye(3)[true] + rng.normal(0, 0.5, (n, 3))
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    given_labels = true.copy()
    given_labels[:wrong] = (true[:wrong] + 1) % 3
    return given_labels, probs.astype(np.float32)


def test_planted_wrong_labels_are_found() -> None:
    given_labels, probs = mislabelled()
    ids = np.array([f"r{i}" for i in range(300)])
    added = np.arange(300 * 9, dtype=np.float32).reshape(300, 3, 3)
    found = find_label_errors(ids, given_labels, NAMES, probs, added)
    assert list(found) == LABEL_ERROR_COLUMNS
    assert found["rank"].tolist() == list(range(1, len(found) + 1))
    assert found["self_confidence"].is_monotonic_increasing
    assert (found["given"] != found["likelier"]).all()
    assert (found["likelier_prob"] > found["self_confidence"]).all()
    precision, recall = labels_found(found["id"].to_numpy(str), ids, np.arange(300) < 15)
    assert precision > 0.8 and recall > 0.8
    first = found.iloc[0]
    row = int(first["id"][1:])
    assert first["given"] == NAMES[given_labels[row]]
    assert first["likelier_prob"] == pytest.approx(probs[row].max())
    of_likelier = added[row, :, NAMES.tolist().index(first["likelier"])]
    assert first[list(ADDED.values())].tolist() == of_likelier.tolist()


def test_an_empty_class_and_an_empty_table_are_handled() -> None:
    given_labels, probs = mislabelled()
    only = given_labels != 1
    found = find_label_errors(
        np.arange(300).astype(str)[only], given_labels[only], NAMES, probs[only], NOTHING[only]
    )
    assert set(found["given"]) <= {"a", "c"}
    none = np.zeros(0, np.int64)
    assert find_label_errors(none.astype(str), none, NAMES, probs[:0], NOTHING[:0]).empty
    assert find_label_errors(np.array(["1"]), np.array([0]), NAMES, probs[:1], NOTHING[:1]).empty


def test_only_listings_that_no_encoder_has_seen_are_scored() -> None:
    table = made_table()
    output = made_output(table)
    places, probs, added = out_of_sample_probs(table, {"photo": output, "text": output}, seed=7)
    assert set(table["split"].iloc[places]) == {"val", "test"}
    assert len(places) == 24 and probs.shape == (24, 3) and added.shape == (24, 3, 3)
    # For what is likely more speaks than against it.
    assert (added[np.arange(24), :, probs.argmax(1)].sum(1) > 0).all()
    right = np.array(CLASSES)[probs.argmax(1)] == table["category"].iloc[places]
    assert right.all()


def test_a_label_does_not_influence_its_own_probability() -> None:
    table = made_table()
    scores = dict.fromkeys(("photo", "text"), made_output(table, probs=one_hot(table, 0.5)))
    places, before, _ = out_of_sample_probs(table, scores, seed=7)
    changed = table.copy()
    changed.loc[places[0], "category"] = CLASSES[1 - CLASSES.index(table["category"][places[0]])]
    _, after, _ = out_of_sample_probs(changed, scores, seed=7)
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[1:] != after[1:]).any()


def test_groups_are_compared_by_pairs() -> None:
    planted = np.array(["x", "x", "x", "y", "z"], object)
    found = np.array(["1", "1", "2", "3", "3"], object)
    # Found: one true pair and y-z; planted: three pairs.
    assert pairs_found(found, planted) == pytest.approx((1 / 2, 1 / 3), abs=1e-6)
    alone = np.arange(5).astype(object)
    assert pairs_found(alone, planted) == (1, 0)
    assert pairs_found(alone, alone) == (1, 1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30))
def test_pair_counts_agree_with_comparing_all_pairs(groups: list[tuple[int, int]]) -> None:
    found, planted = np.array(groups).T
    upper = np.triu_indices(len(groups), 1)
    joined, true = ((g[:, None] == g)[upper] for g in (found, planted))
    precision, recall = pairs_found(found.astype(object), planted.astype(object))
    both = (joined & true).sum()
    assert precision == pytest.approx(both / joined.sum() if joined.any() else 1, abs=1e-6)
    assert recall == pytest.approx(both / true.sum() if true.any() else 1, abs=1e-6)


def test_precision_and_recall_of_suspected_labels() -> None:
    ids = np.array(["1", "2", "3", "4"])
    wrong = np.array([True, True, False, False])
    assert labels_found(np.array(["2", "3"]), ids, wrong) == (0.5, 0.5)
    assert labels_found(pd.Series([], dtype=str).to_numpy(str), ids, wrong) == (1, 0)
