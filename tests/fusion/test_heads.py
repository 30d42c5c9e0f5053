"""The heads: scikit-learn's rules, and what our own classes add to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from src.core.errors import UserError
from src.core.params import parse_params
from src.fusion.conditional_logit import ConditionalLogit
from src.fusion.heads import (
    ClassWeighted,
    Standardise,
    Voters,
    make_head,
    make_heads,
    require_settings,
)
from tests.fusion.test_fused import HEADS
from tests.made import params_content

Y = np.arange(90) % 3
X = np.random.default_rng(0).normal(size=(90, 7)).astype(np.float32)


@pytest.mark.parametrize("kind", ["nn", "stack", "logreg", "random_forest", "gbdt"])
def test_classes_weigh_alike_or_as_they_occur(kind: str) -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [380, 20])
    x = rng.normal(size=(400, 4)).astype(np.float32)
    settings = {
        "nn": {"hidden_layer_sizes": [4], "alpha": 1.0, "batch_size": 40, "max_iter": 60},
        "stack": {},
    }
    settings |= {"logreg": {"C": 0.01}, "random_forest": {"min_samples_leaf": 60}}
    settings |= {"gbdt": {"max_leaf_nodes": 2, "max_iter": 20}}
    shares = [
        make_head(kind, settings[kind] | {"class_weight": weight}, 2, seed=7)
        .fit(x, y)
        .predict_proba(x)[:, 1]
        .mean()
        for weight in ("balanced", None)
    ]
    assert shares[0] == pytest.approx(0.5, abs=0.12)
    assert shares[1] < 0.3


@pytest.mark.parametrize("kind", ["knn", "random_forest"])
@pytest.mark.parametrize("num_classes", [3, 30])
def test_no_class_has_a_probability_of_0_and_those_without_a_vote_follow_their_shares(
    kind: str, num_classes: int
) -> None:
    y = np.repeat(np.arange(num_classes), np.arange(num_classes) + 2)
    x = (y[:, None] + np.random.default_rng(0).normal(0, 0.01, (len(y), 2))).astype(np.float32)
    probs = make_head(kind, HEADS[kind], num_classes, seed=7).fit(x, y).predict_proba(x)
    np.testing.assert_allclose(probs.sum(1), 1, atol=1e-6)
    assert probs.min() > 0
    without_a_vote = probs[0, 2:] if num_classes == 3 else probs[0, 20:]
    assert (np.diff(without_a_vote) > 0).all()


def test_boosting_goes_on_as_long_as_it_is_told_however_many_listings_there_are() -> None:
    # Above 10,000 scikit-learn's own choice holds out some of them at random, and stops early.
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10_001, 1)).astype(np.float32), rng.integers(0, 2, 10_001)
    head = make_head("gbdt", {"max_iter": 40, "max_leaf_nodes": 2}, 2, seed=7).fit(x, y)
    assert head.n_iter_ == 40


def test_a_column_that_hardly_moves_does_not_explode() -> None:
    x = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    x[:, 0] *= np.float32(1e-7)
    scaled = Standardise().fit(x)
    x[0] = 1.0
    assert np.abs(scaled.transform(x)).max() <= 5
    assert np.abs(scaled.transform(x)[1:, 0]).max() < 1e-4
    np.testing.assert_allclose(scaled.transform(x)[1:, 1:].std(0), 1, atol=0.1)


def test_values_of_the_grid_take_the_place_of_those_in_the_settings() -> None:
    grid = {"n_neighbors": [15, 40], "weights": ["uniform"]}
    heads = make_heads("knn", {"n_neighbors": 3, "weights": "distance"}, grid, 3, seed=7)
    found = [head["head"].estimator.get_params() for head in heads]
    assert [(one["n_neighbors"], one["weights"]) for one in found] == [
        (15, "uniform"), (40, "uniform")
    ]  # fmt: skip
    assert len(make_heads("stack", {}, {}, 3, seed=7)) == 1


def test_unknown_heads_and_settings_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="head is 'svm'; expected nn, logreg, knn") as first:
        parse_params(params_content({"fusion.nn.head": "svm"}))
    assert "\n" not in str(first.value)
    for kind in HEADS:
        with pytest.raises(UserError, match=rf"{kind}\.settings\.depth is unknown; ") as error:
            parse_params(params_content({f"fusion.{kind}.settings.depth": 5}))
        assert "\n" not in str(error.value)
        with pytest.raises(TypeError, match="depth"):
            make_head(kind, {"depth": 5}, 3, seed=7)
    with pytest.raises(ValueError, match="no head 'svm'"):
        make_head("svm", {}, 3, seed=7)


@pytest.mark.parametrize(
    ("kind", "settings", "says"),
    [
        ("logreg", {"C": -1}, "The 'C' parameter of LogisticRegression must be a float"),
        ("nn", {"alpha": "abc"}, "The 'alpha' parameter of MLPClassifier must be a float"),
        ("nn", {"hidden_layer_sizes": ["x"]}, "hidden_layer_sizes"),
        ("knn", {"n_neighbors": "many"}, "n_neighbors"),
        ("random_forest", {"n_estimators": 0}, "The 'n_estimators' parameter"),
        ("logreg", {"solver": "liblinear", "penalty": "none"}, "penalty"),
        ("logreg", {"solver": "liblinear"}, "does not support multiclass"),
        ("gbdt", {"max_leaf_nodes": 1}, "The 'max_leaf_nodes' parameter"),
        ("stack", {"penalty": "abc"}, "penalty must be an instance of"),
        ("stack", {"penalty": -0.1}, "penalty == -0.1, must be >= 0"),
    ],
)
def test_settings_with_values_that_no_head_takes_are_refused_in_one_line(
    kind: str, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError) as error:
        require_settings("fusion.mine.settings", kind, settings)
    assert str(error.value).startswith("params.yaml: fusion.mine.settings is {")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_the_settings_as_they_are_pass() -> None:
    for row, fused in parse_params(params_content({})).fusion.items():
        require_settings(row, fused.head, fused.settings)


def test_few_listings_are_all_neighbours_and_the_parameters_stay() -> None:
    head = make_head("knn", {"n_neighbors": 15}, 3, seed=7)
    before = head.get_params()
    few = head.fit(X[:6], Y[:6]).predict_proba(X)
    np.testing.assert_allclose(few, 1 / 3)
    assert head.get_params() == before
    assert head["head"].estimator.n_neighbors == 15
    many = clone(head).fit(X, Y).predict_proba(X)
    plain = make_pipeline(StandardScaler(), KNeighborsClassifier(15)).fit(X, Y)
    np.testing.assert_allclose(many, (15 * plain.predict_proba(X) + 1 / 3) / 16, atol=1e-6)


@pytest.mark.parametrize("kind", HEADS)
def test_fitting_changes_no_parameter_of_a_head(kind: str) -> None:
    head = make_head(kind, HEADS[kind], 3, seed=7)
    before = head.get_params()
    head.fit(X, Y)
    assert head.get_params() == before
    clone(head)


@pytest.mark.parametrize(
    "estimator",
    [
        ConditionalLogit(),
        ClassWeighted(MLPClassifier(max_iter=30, random_state=0), "balanced"),
        Voters(KNeighborsClassifier()),
        Voters(RandomForestClassifier(10, random_state=0)),
        Standardise(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.filterwarnings("ignore")
def test_our_own_classes_pass_all_checks_of_scikit_learn(estimator: Any) -> None:
    check_estimator(estimator, on_skip=None)
