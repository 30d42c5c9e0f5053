"""One fused model for any subset of photo, text and price."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_info, threadpool_limits

from src.fusion.blocks import Block
from src.fusion.fused import FusedClassifier
from src.fusion.heads import make_head
from tests.made import CLASSES

N = 90
Y = np.arange(N) % 3
ALL = np.ones(N, bool)
NAMES = np.array(CLASSES)
HEADS: dict[str, dict[str, Any]] = {
    "nn": {"hidden_layer_sizes": [16], "max_iter": 15, "learning_rate_init": 0.03},
    "logreg": {"class_weight": "balanced"},
    "knn": {"n_neighbors": 5, "weights": "distance"},
    "random_forest": {"n_estimators": 5, "class_weight": "balanced"},
    "stack": {"penalty": 0.01},
    "gbdt": {"max_iter": 30, "min_samples_leaf": 2, "max_features": 0.6},
}


def logs(y: NDArray[np.int64], noise: float, seed: int) -> NDArray[np.float32]:
    """Return centred log-probabilities of y with some noise, [N, 3]."""
    x = 2 * np.eye(3)[y] + noise * np.random.default_rng(seed).normal(size=(len(y), 3))
    x -= np.log(np.exp(x).sum(1, keepdims=True))
    return (x - x.mean(1, keepdims=True)).astype(np.float32)


def made_blocks(seed: int = 1, **present: NDArray[np.bool_]) -> dict[str, Block]:
    columns = {
        "photo": logs(Y, 1.0, seed),
        "text": logs(Y, 1.0, seed + 1),
        "price": np.random.default_rng(seed + 2).normal(size=(N, 1)).astype(np.float32),
    }
    blocks = {}
    for name, some in columns.items():
        there = present.get(name, ALL)
        shown = np.where(there[:, None], some, 0)
        blocks[name] = Block(shown, None if name == "price" else shown, there, ALL)
    return blocks


def head(kind: str = "logreg", num_classes: int = 3) -> Any:
    return make_head(kind, HEADS[kind], num_classes, seed=7)


class Watching(LogisticRegression):
    """Notes how many threads there are when it is fitted."""

    threads: ClassVar[set[int]] = set()

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Watching:
        self.threads.update(library["num_threads"] for library in threadpool_info())
        return super().fit(X, y, sample_weight)


def test_heads_are_fitted_on_one_thread() -> None:
    with threadpool_limits(2):
        FusedClassifier([Watching()], NAMES).fit(made_blocks(), Y, ALL)
        assert Watching.threads == {1}
        assert {library["num_threads"] for library in threadpool_info()} == {2}


@pytest.mark.parametrize("kind", HEADS)
def test_every_head_answers_every_subset_of_what_a_listing_has(kind: str) -> None:
    subsets = np.array([[i & 1, i & 2, i & 4] for i in np.arange(N) // 3 % 8], bool).T
    blocks = made_blocks(**dict(zip(("photo", "text", "price"), subsets, strict=True)))
    model = FusedClassifier([head(kind)], NAMES).fit(blocks, Y, ALL)
    probs = model.predict_proba(blocks)
    np.testing.assert_allclose(probs.sum(1), 1, atol=1e-5)
    right = probs.argmax(1) == Y
    assert right[subsets[0] | subsets[1]].mean() > 0.8
    nothing = ~subsets.any(0)
    assert nothing.any()
    np.testing.assert_allclose(probs[nothing], np.tile(model.prior_, (nothing.sum(), 1)), rtol=1e-6)


def test_a_listing_with_nothing_gets_the_shares_of_the_classes() -> None:
    some = np.arange(N) % 9 > 2
    blocks = made_blocks(photo=some, text=some, price=some)
    y = np.where(np.arange(N) % 2, 0, Y)
    probs = FusedClassifier([head()], NAMES).fit(blocks, y, ALL).predict_proba(blocks)
    np.testing.assert_allclose(probs[0], np.bincount(y) / N, rtol=1e-6)


def test_the_prior_is_of_the_rows_to_learn_from() -> None:
    rows = (Y != 2) | (np.arange(N) < 6)
    model = FusedClassifier([head()], NAMES).fit(made_blocks(), Y, rows)
    np.testing.assert_allclose(model.prior_, np.bincount(Y[rows]) / rows.sum())


def test_hidden_modalities_are_as_good_as_absent_and_their_content_is_not_read() -> None:
    blocks = made_blocks()
    model = FusedClassifier([head()], NAMES).fit(blocks, Y, ALL)
    photo_only = model.predict_proba(blocks, frozenset({"text", "price"}))
    none = np.zeros(N, bool)
    absent = blocks | {n: replace(blocks[n], present=none) for n in ("text", "price")}
    np.testing.assert_array_equal(photo_only, model.predict_proba(absent))
    garbage = blocks | {
        n: Block(blocks[n].columns + 1e3, blocks[n].logs, ALL, ALL) for n in ("text", "price")
    }
    np.testing.assert_array_equal(
        photo_only, model.predict_proba(garbage, frozenset({"text", "price"}))
    )
    everything = model.predict_proba(blocks, frozenset({"photo", "text", "price"}))
    np.testing.assert_allclose(everything, np.tile(model.prior_, (N, 1)), rtol=1e-6)
    assert (model.predict_proba(blocks) != photo_only).any()


@pytest.mark.parametrize("kind", HEADS)
def test_a_poisoned_row_that_an_encoder_has_seen_has_no_effect(kind: str) -> None:
    blocks, unseen = made_blocks(), ALL.copy()
    unseen[4] = False
    poisoned = blocks["photo"].columns.copy()
    assert Y[4] == 1
    poisoned[4] = [5e3, -1e3, -4e3]
    fits = [
        FusedClassifier([head(kind)], NAMES)
        .fit(blocks | {"photo": Block(x, x, ALL, mask)}, Y, ALL)
        .predict_proba(made_blocks(seed=11))
        for x, mask in (
            (blocks["photo"].columns, unseen),
            (poisoned, unseen),
            (poisoned, ALL),
        )
    ]
    np.testing.assert_array_equal(fits[0], fits[1])
    assert np.abs(fits[0] - fits[2]).max() > 1e-3  # the poison would have worked


def test_a_row_seen_by_one_encoder_still_teaches_what_the_other_says() -> None:
    blocks = made_blocks()
    blocks["photo"] = replace(blocks["photo"], unseen=np.zeros(N, bool))
    model = FusedClassifier([head()], NAMES).fit(blocks, Y, ALL)
    assert set(model.own_) == {"text"}
    used = {subset for subset, _ in model.answering(blocks)}
    assert used <= {("text",), ("text", "price")}
    # Listings with a photo are answered by the rest.
    assert (model.predict_proba(blocks).argmax(1) == Y).mean() > 0.8


def test_rows_outside_the_marked_ones_are_not_learned_from() -> None:
    rows = np.arange(N) < 60
    wrong = np.where(rows, Y, (Y + 1) % 3)
    one, two = (
        FusedClassifier([head()], NAMES).fit(made_blocks(), y, rows).predict_proba(made_blocks())
        for y in (Y, wrong)
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", HEADS)
def test_a_class_that_the_fitting_rows_lack_stops_no_head(kind: str) -> None:
    rows = Y != 1
    blocks = made_blocks()
    model = FusedClassifier([head(kind)], NAMES).fit(blocks, Y, rows)
    probs = model.predict_proba(blocks)
    assert probs.shape == (N, 3)
    np.testing.assert_allclose(probs.sum(1), 1, atol=1e-5)
    assert (probs.argmax(1) == Y)[rows].mean() > 0.9
    assert probs[rows, 1].mean() < 0.1


@pytest.mark.parametrize("kind", HEADS)
def test_few_listings_with_a_photo_stop_no_head(kind: str) -> None:
    few = np.isin(np.arange(N), [0, 1, 2, 3])
    blocks = made_blocks(photo=few)
    probs = FusedClassifier([head(kind)], NAMES).fit(blocks, Y, ALL).predict_proba(blocks)
    np.testing.assert_allclose(probs.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_fits_the_same_each_time(kind: str) -> None:
    one, two = (
        FusedClassifier([head(kind)], NAMES).fit(made_blocks(), Y, ALL).predict_proba(made_blocks())
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", ["nn", "logreg", "knn", "random_forest", "gbdt"])
def test_the_unit_of_a_column_does_not_matter(kind: str) -> None:
    blocks = made_blocks()
    price = blocks["price"]
    scaled = blocks | {"price": replace(price, columns=price.columns * np.float32(2**20))}
    one, two = (
        FusedClassifier([head(kind)], NAMES).fit(some, Y, ALL).predict_proba(some)
        for some in (blocks, scaled)
    )
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_the_fused_model_is_an_estimator_of_scikit_learn() -> None:
    model = FusedClassifier([head()], NAMES)
    assert set(model.get_params(deep=False)) == {"heads", "classes", "folds", "seed"}
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    model.fit(made_blocks(), Y, ALL)
    check_is_fitted(model)
    again = clone(model)
    assert not hasattr(again, "answers_")
    again.fit(made_blocks(), Y, ALL)
    one, two = (fitted.predict_proba(made_blocks()) for fitted in (model, again))
    np.testing.assert_array_equal(one, two)


def test_a_feature_of_one_column_is_read_as_it_is() -> None:
    blocks = made_blocks()
    blocks["photo"] = replace(blocks["photo"], features=Y[:, None].astype(np.float32))
    model = FusedClassifier([head()], NAMES).fit(blocks, Y, ALL)
    assert model.components_ == {"photo": None}
    assert np.isfinite(model.predict_proba(blocks)).all()


def test_heads_read_a_few_components_of_wide_features(tmp_path: Path) -> None:
    blocks = made_blocks()
    rng = np.random.default_rng(5)
    # What the photo knows is in its features alone, spread over 900 columns.
    features = (np.eye(3)[Y] + 0.1 * rng.normal(size=(N, 3))) @ rng.normal(size=(3, 900))
    nothing = np.zeros((N, 0), np.float32)
    unsure = logs(Y, 30.0, 9)
    for name in ("photo", "text"):
        shown = (features if name == "photo" else rng.normal(size=(N, 900))).astype(np.float32)
        blocks[name] = Block(nothing, unsure, ALL, ALL, shown)
    model = FusedClassifier([head()], NAMES).fit(blocks, Y, ALL)
    joined = model.answers_["photo", "text"].head
    assert joined[0].n_features_in_ <= 2 * min(256, N)
    probs = model.predict_proba(blocks)
    assert (probs.argmax(1) == Y).mean() > 0.9
    model.save(tmp_path / "fused")
    again = FusedClassifier.load(tmp_path / "fused")
    np.testing.assert_allclose(again.predict_proba(blocks), probs, atol=1e-6)
    some = {name: block.only(np.arange(5)) for name, block in blocks.items()}
    np.testing.assert_allclose(model.predict_proba(some), probs[:5], atol=1e-6)
