"""A fused row leaves its best input only where held-out listings say so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import log_softmax

from src.fusion.blocks import Block
from src.fusion.choosing import f1_and_accuracy, group_folds
from src.fusion.fused import FusedClassifier
from src.fusion.heads import make_head

KINDS = {
    "nn": {"hidden_layer_sizes": [8], "max_iter": 8, "learning_rate_init": 0.03},
    "logreg": {"C": 1.0, "class_weight": "balanced"},
    "knn": {"n_neighbors": 15, "weights": "distance"},
    "random_forest": {"n_estimators": 10, "class_weight": "balanced"},
    "stack": {},
}
NAMES = np.array(["a", "b", "c", "d"])


def model(
    y: NDArray[np.int64], skill: float, present: NDArray[np.bool_], seed: int, noise: int = 0
) -> Block:
    """Return the block of a model of some skill, with as many columns of noise as asked for."""
    rng = np.random.default_rng(seed)
    logs = log_softmax(skill * np.eye(4)[y] + rng.normal(size=(len(y), 4)), axis=1)
    logs = np.where(present[:, None], logs - logs.mean(1, keepdims=True), 0).astype(np.float32)
    unseen = np.ones(len(y), bool)
    if not noise:
        return Block(logs, logs, present, unseen)
    features = np.where(present[:, None], rng.normal(size=(len(y), noise)), 0).astype(np.float32)
    return Block(logs[:, :0], logs, present, unseen, features)


@pytest.mark.parametrize("photos", [0, 1, 12, 60, 400])
@pytest.mark.parametrize("kind", KINDS)
def test_any_number_of_bad_photos_leaves_a_good_text_as_good_as_it_is(
    kind: str, photos: int
) -> None:
    y = np.arange(800) % 4
    learned, all_of_them = np.arange(800) < 400, np.ones(800, bool)
    # All listings that are judged have a photo.
    present = (np.arange(800) < photos) | ~learned
    blocks = {"photo": model(y, 0.3, present, 1), "text": model(y, 6.0, all_of_them, 2)}
    head = make_head(kind, KINDS[kind], 4, seed=7)
    fused = FusedClassifier([head], NAMES).fit(blocks, y, learned)
    best = f1_and_accuracy(fused.predict_proba(blocks, frozenset({"photo"}))[~learned], y[~learned])
    found = f1_and_accuracy(fused.predict_proba(blocks)[~learned], y[~learned])
    assert min(np.subtract(found, best)) > -0.01


@pytest.mark.parametrize("kind", ["logreg", "knn", "nn"])
def test_features_without_meaning_do_not_hurt(kind: str) -> None:
    y = np.arange(800) % 4
    learned, all_of_them = np.arange(800) < 400, np.ones(800, bool)
    blocks = {
        "photo": model(y, 0.3, all_of_them, 1, noise=60),
        "text": model(y, 3.0, all_of_them, 2, noise=60),
    }
    head = make_head(kind, KINDS[kind], 4, seed=7)
    fused = FusedClassifier([head], NAMES).fit(blocks, y, learned)
    best = f1_and_accuracy(blocks["text"].logs[~learned], y[~learned])
    found = f1_and_accuracy(fused.predict_proba(blocks)[~learned], y[~learned])
    assert min(np.subtract(found, best)) > -0.01


@pytest.mark.parametrize("kind", KINDS)
def test_two_models_that_know_different_things_are_better_than_each(kind: str) -> None:
    y = np.arange(1200) % 4
    learned, all_of_them = np.arange(1200) < 600, np.ones(1200, bool)
    blocks = {"photo": model(y, 2.0, all_of_them, 1), "text": model(y, 2.0, all_of_them, 2)}
    head = make_head(kind, KINDS[kind], 4, seed=7)
    fused = FusedClassifier([head], NAMES).fit(blocks, y, learned)
    right = [
        (fused.predict_proba(blocks, hidden).argmax(1) == y)[~learned].mean()
        for hidden in (frozenset(), frozenset({"photo"}), frozenset({"text"}))
    ]
    assert right[0] > max(right[1:]) + 0.03


def test_heads_that_read_features_need_three_times_the_evidence() -> None:
    y, all_of_them = np.arange(800) % 4, np.ones(800, bool)
    text, taken = model(y, 3.0, all_of_them, 1), {1: [], 3: []}
    for skill in np.linspace(0.2, 2.4, 12):
        photo = model(y, float(skill), all_of_them, 2)
        # The same columns, once as what the model says and once as its features.
        features = replace(photo, columns=photo.columns[:, :0], features=photo.columns)
        for evidence, block in ((1, photo), (3, features)):
            blocks = {"photo": block, "text": text}
            head = make_head("logreg", {"C": 1.0}, 4, seed=7)
            fused = FusedClassifier([head], NAMES).fit(blocks, y, all_of_them)
            if fused.answers_["photo", "text"].head is not None:
                taken[evidence].append(skill)
    assert 0 < len(taken[3]) < len(taken[1])
    assert set(taken[3]) < set(taken[1])


def test_a_head_that_lacks_a_class_of_its_start_is_not_used(tmp_path: Path) -> None:
    y = np.arange(800) % 4
    all_of_them = np.ones(800, bool)
    blocks = {"photo": model(y, 2.0, y != 3, 1), "text": model(y, 3.0, all_of_them, 2)}
    fused = FusedClassifier([make_head("stack", {}, 4, seed=7)], NAMES).fit(blocks, y, all_of_them)
    assert fused.answers_["photo", "text"].head is None
    # Those who ask are told what the answer is based on.
    used = [subset for subset, _ in fused.answering(blocks)]
    assert ("photo", "text") not in used
    fused.save(tmp_path / "model")
    again = FusedClassifier.load(tmp_path / "model")
    assert [subset for subset, _ in again.answering(blocks)] == used


def test_answers_are_the_same_after_loading(tmp_path: Path) -> None:
    y = np.arange(800) % 4
    all_of_them = np.ones(800, bool)
    blocks = {"photo": model(y, 2.0, y != 9, 1), "text": model(y, 2.0, all_of_them, 2)}
    fused = FusedClassifier([make_head("logreg", {}, 4, seed=7)], NAMES).fit(blocks, y, all_of_them)
    assert fused.answers_["photo", "text"].join is not None
    fused.save(tmp_path / "model")
    again = FusedClassifier.load(tmp_path / "model").predict_proba(blocks)
    np.testing.assert_allclose(again, fused.predict_proba(blocks), atol=1e-6)


def test_held_out_answers_to_labels_without_meaning_are_chance() -> None:
    rng = np.random.default_rng(0)
    y, all_of_them = rng.integers(0, 4, 800), np.ones(800, bool)
    heads = [make_head("knn", {"n_neighbors": k, "weights": "distance"}, 4, 7) for k in (1, 15)]
    blocks = {
        name: model(rng.integers(0, 4, 800), 3.0, all_of_them, seed)
        for seed, name in enumerate(("photo", "text"))
    }
    fused = FusedClassifier(heads, NAMES).fit(blocks, y, all_of_them)
    # Four standard deviations of a guess.
    assert abs((fused.held_out_.argmax(1) == y).mean() - 0.25) < 4 * (0.1875 / 800) ** 0.5


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), min_size=1, max_size=60),
    st.integers(2, 7),
)
def test_a_group_lies_in_one_fold_and_only_chosen_listings_in_any(
    listings: list[tuple[int, int]], folds: int
) -> None:
    y, groups = np.array(listings).T
    chosen = np.arange(len(y)) % 5 > 0
    chosen[0] = True
    fold = group_folds(y, groups, chosen, folds, seed=7)
    assert (fold[~chosen] == -1).all()
    for group in np.unique(groups):
        assert len(np.unique(fold[chosen & (groups == group)])) <= 1
    assert fold.max() < folds
    assert (fold[chosen] >= 0).all() or (fold == -1).all()
