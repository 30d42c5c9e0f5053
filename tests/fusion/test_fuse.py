"""Fusing on listings that no encoder saw, and the leak that arises otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from src.artifacts.outputs import LeakError, ModelOutput, RowOutput
from src.core.errors import UserError
from src.core.listings import cv_rounds
from src.core.params import parse_params
from src.core.schema import FusedModel, Leaky
from src.fusion.fuse import fuse, fuse_rounds
from src.fusion.leaky import fuse_leakily
from src.fusion.predictions import Predictions
from tests.made import CLASSES, made_features, made_table, one_hot, params_content

STACK = FusedModel(head="stack", inputs="probs", price=True, settings={"penalty": 0.01})
LOGREG = FusedModel(head="logreg", inputs="probs", price=True, settings={})


def test_the_test_split_is_scored_whole_and_with_inputs_hidden() -> None:
    table = made_table()
    scores = RowOutput(made_features(table), None)
    found = fuse(table, scores, scores, STACK, seed=7).predictions
    assert found.ids.tolist() == table["id"][table["split"] == "test"].tolist()
    assert found.classes.tolist() == list(CLASSES)
    assert set(found.without) == {"photo_only", "text_only", "no_price"}
    for probs in (found.probs, *found.without.values()):
        assert probs.shape == (12, 3)
        np.testing.assert_allclose(probs.sum(1), 1, atol=1e-5)
    assert (found.probs.argmax(1) == one_hot(table)[48:].argmax(1)).all()
    assert not found.seen.any()


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
    with pytest.raises(LeakError, match=f"test split, {which}: 1 listing .* r50;"):
        fuse(table, RowOutput(image, None), RowOutput(text, None), STACK, seed=7)


def test_a_test_row_whose_near_duplicate_an_encoder_was_fitted_on_is_refused_by_id() -> None:
    table = made_table()
    table.loc[[5, 57], "group"] = "reposted"
    scores = RowOutput(made_features(table), None)
    with pytest.raises(LeakError, match=r"1 listing .* r57;"):
        fuse(table, scores, scores, STACK, seed=7)


@pytest.mark.parametrize("head", ["stack", "logreg"])
def test_the_output_for_listings_that_an_encoder_has_seen_has_no_effect(head: str) -> None:
    table = made_table()
    settings = STACK if head == "stack" else LOGREG
    honest = made_features(table)
    poisoned_probs = honest.probs.copy()
    poisoned_probs[:36] = np.roll(one_hot(table, sure=1.0)[:36], 1, axis=1)
    poisoned = made_features(table, probs=poisoned_probs, features=honest.features * 100)
    one, two = (
        fuse(
            table, RowOutput(output, None), RowOutput(honest, None), settings, seed=7
        ).predictions.probs
        for output in (honest, poisoned)
    )
    np.testing.assert_array_equal(one, two)


def test_without_an_unseen_listing_there_is_nothing_to_learn_from() -> None:
    table = made_table(train=36, val=0, test=12)
    scores = RowOutput(made_features(table), None)
    with pytest.raises(UserError, match="0 listings unseen by both encoders; expected") as error:
        fuse(table, scores, scores, STACK, seed=7)
    assert "\n" not in str(error.value)


def test_the_stack_takes_probabilities_alone() -> None:
    with pytest.raises(UserError, match="inputs is 'both'; the head stack") as error:
        parse_params(params_content({"fusion.stack.inputs": "both"}))
    assert "\n" not in str(error.value)


def test_a_row_without_the_price_does_not_read_it() -> None:
    table = made_table()
    scores = RowOutput(made_features(table), None)
    settings = STACK.model_copy(update={"price": False})
    fused = fuse(table, scores, scores, settings, seed=7)
    assert set(fused.model.heads_) == {("photo",), ("text",), ("photo", "text")}
    other = fuse(table.assign(price=7.0), scores, scores, settings, seed=7)
    np.testing.assert_array_equal(fused.predictions.probs, other.predictions.probs)


def test_where_only_one_model_has_an_output_every_head_calibrates_it_alike() -> None:
    table = made_table()
    scores = RowOutput(made_features(table), None)
    one, two = (fuse(table, scores, scores, head, seed=7).predictions for head in (STACK, LOGREG))
    assert not np.allclose(one.probs, two.probs)
    first, second = (found.without["photo_only"] for found in (one, two))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first.argmax(1), scores.full.probs[48:].argmax(1))
    settings = LOGREG.model_copy(update={"inputs": "features"})
    features = fuse(table, scores, scores, settings, seed=7).predictions
    assert features.without["photo_only"].shape == (12, 3)


def test_out_of_fold_scores_are_read_where_there_are_some(tmp_path: Path) -> None:
    features = made_features(made_table())
    features.save(tmp_path / "features.npz")
    assert RowOutput.load(tmp_path).out_of_fold is None
    features.subset(np.arange(5)).save(tmp_path / "out_of_fold.npz")
    found = RowOutput.load(tmp_path).out_of_fold
    assert found is not None and len(found.ids) == 5


def test_predictions_are_loaded_as_they_were_saved_in_equal_bytes(tmp_path: Path) -> None:
    table = made_table()
    scores = RowOutput(made_features(table), None)
    for name in ("a", "b"):
        found = fuse(table, scores, scores, STACK, seed=7).predictions
        found.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    loaded = Predictions.load(tmp_path / "a")
    assert set(loaded.without) == set(found.without)
    for name in ("ids", "classes", "probs", "seen"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(found, name))
    for name, probs in found.without.items():
        np.testing.assert_array_equal(loaded.without[name], probs)


def memorised(table: pd.DataFrame, seed: int) -> ModelOutput:
    """Return the label of every listing fitted on and noise for the others: nothing is learned."""
    guesses = np.random.default_rng(seed).dirichlet(np.ones(3), len(table)).astype(np.float32)
    fitted = (table["split"] == "train").to_numpy()
    return made_features(table, probs=np.where(fitted[:, None], one_hot(table, 0.99), guesses))


def test_on_labels_without_meaning_the_leaky_score_is_high_and_the_honest_one_is_chance() -> None:
    table = made_table(train=600, val=300, test=300)
    shuffled = np.random.default_rng(0).permutation(table["category"].to_numpy())
    table = table.assign(category=shuffled)
    image, text = memorised(table, 1), memorised(table, 2)
    true = pd.Series(shuffled, index=table["id"])

    found = fuse(table, RowOutput(image, None), RowOutput(text, None), LOGREG, seed=7).predictions
    honest = (found.classes[found.probs.argmax(1)] == true[found.ids]).mean()
    # Four standard deviations of a guess on 300 listings.
    assert abs(honest - 1 / 3) < 4 * (2 / 9 / 300) ** 0.5

    settings = Leaky(inputs="both", share=0.25, settings={"max_iter": 500})
    leaky = fuse_leakily(table, [image, text], settings, seed=7)
    right = (leaky.classes[leaky.probs.argmax(1)] == true[leaky.ids]).to_numpy()
    assert right.mean() > 0.55
    assert right[leaky.seen].mean() > 0.95
    assert right[~leaky.seen].mean() < 0.5


def test_the_leaky_row_records_which_listings_were_seen() -> None:
    table = made_table(train=60, val=20, test=20)
    features = made_features(table)
    settings = Leaky(inputs="probs", share=0.3, settings={})
    found = fuse_leakily(table, [features, features], settings, seed=7)
    assert len(found.ids) == 30
    assert found.seen.tolist() == np.isin(found.ids, features.fitted_ids).tolist()
    assert 0 < found.seen.mean() < 1
    assert found.without == {}


def test_every_round_of_cross_validation_is_fused_and_the_first_model_kept(tmp_path: Path) -> None:
    table = made_table().assign(fold=np.arange(60) // 3 % 4)
    settings, rounds = STACK, []
    for cv_round, split in enumerate(cv_rounds(table)):
        output = RowOutput(made_features(table.assign(split=split)), None)
        output.save(tmp_path / "row", cv_round)
        rounds.append(fuse(table.assign(split=split), output, output, settings, seed=7))
    found = fuse_rounds(table, tmp_path / "row", tmp_path / "row", settings, seed=7)
    assert sorted(found.predictions.ids) == sorted(table["id"])
    expected = np.concatenate([one.predictions.probs for one in rounds])
    np.testing.assert_array_equal(found.predictions.probs, expected)
    kept, first = (one.model.heads_["photo", "text"].weights_ for one in (found, rounds[0]))
    np.testing.assert_array_equal(kept, first)
