"""Fusing on listings that no encoder saw, and the leak that doing otherwise makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from src.artifacts.outputs import LeakError, ModelOutput, RowOutput
from src.core.errors import UserError
from src.fusion.fuse import fuse
from src.fusion.leaky import judge_leakily
from src.fusion.predictions import Predictions
from tests.made import CLASSES, made_features, made_table, one_hot

STACK: dict[str, Any] = {
    "head": "stack",
    "inputs": "probs",
    "price": True,
    "settings": {"penalty": 0.01},
}
LOGREG: dict[str, Any] = {"head": "logreg", "inputs": "probs", "price": True, "settings": {}}


def test_the_test_part_is_scored_whole_and_with_inputs_hidden() -> None:
    table = made_table()
    scores = RowOutput(made_features(table), None)
    said = fuse(table, scores, scores, STACK, seed=7).predictions
    assert said.ids.tolist() == table["id"][table["split"] == "test"].tolist()
    assert said.classes.tolist() == list(CLASSES)
    assert set(said.without) == {"photo_only", "text_only", "no_price"}
    for probs in (said.probs, *said.without.values()):
        assert probs.shape == (12, 3)
        np.testing.assert_allclose(probs.sum(1), 1, atol=1e-5)
    assert (said.probs.argmax(1) == one_hot(table)[48:].argmax(1)).all()
    assert not said.seen.any()


@pytest.mark.parametrize("which", ["photo", "text"])
def test_a_test_row_that_an_encoder_was_fitted_on_is_refused_by_id(which: str) -> None:
    table = made_table()
    honest = made_features(table)
    leaking = made_features(
        table,
        fitted_ids=np.append(honest.fitted_ids, "r50"),
        fitted_by=np.append(honest.fitted_by, np.int32(0)),
    )
    image, text = (leaking, honest) if which == "photo" else (honest, leaking)
    with pytest.raises(LeakError, match=f"by {which}: 1 listings .* r50;"):
        fuse(table, RowOutput(image, None), RowOutput(text, None), STACK, seed=7)


def test_a_test_row_whose_near_duplicate_an_encoder_was_fitted_on_is_refused_by_id() -> None:
    table = made_table()
    table.loc[[5, 57], "group"] = "reposted"
    scores = RowOutput(made_features(table), None)
    with pytest.raises(LeakError, match=r"1 listings .* r57;"):
        fuse(table, scores, scores, STACK, seed=7)


@pytest.mark.parametrize("head", ["stack", "logreg"])
def test_what_an_encoder_says_of_rows_it_has_seen_has_no_effect(head: str) -> None:
    table = made_table()
    spec = STACK if head == "stack" else LOGREG
    honest = made_features(table)
    poisoned_probs = honest.probs.copy()
    poisoned_probs[:36] = np.roll(one_hot(table, sure=1.0)[:36], 1, axis=1)
    poisoned = made_features(table, probs=poisoned_probs, features=honest.features * 100)
    one, two = (
        fuse(
            table, RowOutput(features, None), RowOutput(honest, None), spec, seed=7
        ).predictions.probs
        for features in (honest, poisoned)
    )
    np.testing.assert_array_equal(one, two)


def test_without_an_unseen_row_there_is_nothing_to_learn_from() -> None:
    table = made_table(train=36, val=0, test=12)
    scores = RowOutput(made_features(table), None)
    with pytest.raises(UserError, match="0 listings were seen by neither encoder") as error:
        fuse(table, scores, scores, STACK, seed=7)
    assert "\n" not in str(error.value)


def test_the_stack_takes_probabilities_alone() -> None:
    table = made_table()
    scores = RowOutput(made_features(table), None)
    with pytest.raises(UserError, match="inputs is 'both'; the head stack") as error:
        fuse(table, scores, scores, STACK | {"inputs": "both"}, seed=7)
    assert "\n" not in str(error.value)


def test_a_row_without_the_price_does_not_read_it() -> None:
    table = made_table()
    scores = RowOutput(made_features(table), None)
    spec = STACK | {"price": False}
    fused = fuse(table, scores, scores, spec, seed=7)
    assert set(fused.model.heads) == {("photo",), ("text",), ("photo", "text")}
    other = fuse(table.assign(price=7.0), scores, scores, spec, seed=7)
    np.testing.assert_array_equal(fused.predictions.probs, other.predictions.probs)


def test_where_one_model_speaks_alone_every_head_calibrates_it_alike() -> None:
    table = made_table()
    scores = RowOutput(made_features(table), None)
    said = [fuse(table, scores, scores, spec, seed=7).predictions for spec in (STACK, LOGREG)]
    assert not np.allclose(said[0].probs, said[1].probs)
    first, second = (one.without["photo_only"] for one in said)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first.argmax(1), scores.full.probs[48:].argmax(1))
    features = fuse(table, scores, scores, LOGREG | {"inputs": "features"}, seed=7).predictions
    assert features.without["photo_only"].shape == (12, 3)


def test_out_of_fold_scores_are_read_where_there_are_some(tmp_path: Path) -> None:
    features = made_features(made_table())
    features.save(tmp_path / "features.npz")
    assert RowOutput.load(tmp_path).out_of_fold is None
    features.rows(np.arange(5)).save(tmp_path / "out_of_fold.npz")
    found = RowOutput.load(tmp_path).out_of_fold
    assert found is not None and len(found.ids) == 5


def test_predictions_are_loaded_as_they_were_saved_in_equal_bytes(tmp_path: Path) -> None:
    table = made_table()
    scores = RowOutput(made_features(table), None)
    for name in ("a", "b"):
        said = fuse(table, scores, scores, STACK, seed=7).predictions
        said.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    loaded = Predictions.load(tmp_path / "a")
    assert set(loaded.without) == set(said.without)
    for name in ("ids", "classes", "probs", "seen"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(said, name))
    for name, probs in said.without.items():
        np.testing.assert_array_equal(loaded.without[name], probs)


def memorised(table: pd.DataFrame, seed: int) -> ModelOutput:
    """Say the label of every row fitted on, and anything of the others: it has learned nothing."""
    guesses = np.random.default_rng(seed).dirichlet(np.ones(3), len(table)).astype(np.float32)
    fitted = (table["split"] == "train").to_numpy()
    return made_features(table, probs=np.where(fitted[:, None], one_hot(table, 0.99), guesses))


def test_on_labels_without_meaning_the_leaky_score_is_high_and_the_honest_one_is_chance() -> None:
    table = made_table(train=600, val=300, test=300)
    shuffled = np.random.default_rng(0).permutation(table["category"].to_numpy())
    table = table.assign(category=shuffled)
    image, text = memorised(table, 1), memorised(table, 2)
    true = pd.Series(shuffled, index=table["id"])

    said = fuse(table, RowOutput(image, None), RowOutput(text, None), LOGREG, seed=7).predictions
    honest = (said.classes[said.probs.argmax(1)] == true[said.ids]).mean()
    # Four standard deviations of a guess on 300 listings.
    assert abs(honest - 1 / 3) < 4 * (2 / 9 / 300) ** 0.5

    spec = {"inputs": "both", "share": 0.25, "settings": {"max_iter": 500}}
    leaky = judge_leakily(table, image, text, spec, seed=7)
    right = (leaky.classes[leaky.probs.argmax(1)] == true[leaky.ids]).to_numpy()
    assert right.mean() > 0.55
    assert right[leaky.seen].mean() > 0.95
    assert right[~leaky.seen].mean() < 0.5


def test_the_leaky_row_tells_which_listings_were_seen() -> None:
    table = made_table(train=60, val=20, test=20)
    features = made_features(table)
    spec = {"inputs": "probs", "share": 0.3, "settings": {}}
    said = judge_leakily(table, features, features, spec, seed=7)
    assert len(said.ids) == 30
    assert said.seen.tolist() == np.isin(said.ids, features.fitted_ids).tolist()
    assert 0 < said.seen.mean() < 1
    assert said.without == {}
