"""Fusing on listings that no encoder saw, and the leak that arises otherwise."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from src.artifacts.outputs import LeakError, RowOutput
from src.core.errors import UserError
from src.core.params import parse_params
from src.core.rounds import cv_rounds
from src.core.schema import FusedModel
from src.fusion import fused
from src.fusion.choosing import Choice
from src.fusion.fuse import fuse, fuse_rounds
from src.fusion.fused import FusedClassifier
from src.fusion.leaky import fuse_leakily
from src.fusion.predictions import Predictions
from tests.made import CLASSES, made_features, made_output, made_table, one_hot, params_content

STACK = FusedModel(head="stack", inputs="probs", price=True, settings={"penalty": 0.01}, grid={})
LOGREG = FusedModel(head="logreg", inputs="probs", price=True, settings={}, grid={})


def test_the_test_split_is_scored_whole_and_with_inputs_hidden() -> None:
    table = made_table()
    scores = made_output(table)
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
    honest = made_output(table)
    leaking = replace(
        honest,
        full=replace(
            honest.full,
            fitted_ids=np.append(honest.full.fitted_ids, "r50"),
            fitted_by=np.append(honest.full.fitted_by, np.int32(0)),
        ),
    )
    image, text = (leaking, honest) if which == "photo" else (honest, leaking)
    with pytest.raises(LeakError, match=f"test split, {which}: 1 listing .* r50;"):
        fuse(table, image, text, STACK, seed=7)


def test_a_test_row_whose_near_duplicate_an_encoder_was_fitted_on_is_refused_by_id() -> None:
    table = made_table()
    table.loc[[5, 57], "group"] = "reposted"
    scores = made_output(table)
    with pytest.raises(LeakError, match=r"1 listing .* r57;"):
        fuse(table, scores, scores, STACK, seed=7)


@pytest.mark.parametrize("head", ["stack", "logreg"])
def test_the_output_for_listings_that_an_encoder_has_seen_has_no_effect(head: str) -> None:
    table = made_table()
    settings = STACK if head == "stack" else LOGREG
    honest = made_output(table)
    poisoned_probs = honest.full.probs.copy()
    poisoned_probs[:48] = np.roll(one_hot(table, sure=1.0)[:48], 1, axis=1)
    full = replace(honest.full, probs=poisoned_probs, features=honest.full.features * 100)
    one, two = (
        fuse(table, output, honest, settings, seed=7).predictions.probs
        for output in (honest, replace(honest, full=full))
    )
    np.testing.assert_array_equal(one, two)


def test_a_head_that_cannot_be_fitted_since_encoders_saw_its_rows_is_an_error() -> None:
    table = made_table()
    honest = made_output(table)
    nothing = RowOutput(honest.full, honest.full.subset(np.zeros(60, bool)))
    with pytest.raises(UserError, match=r"text: of 48 listings .* 0 unseen .*set `folds`") as error:
        fuse(table, honest, nothing, LOGREG, seed=7)
    assert "\n" not in str(error.value)
    # Each alone has some, but not the same.
    some = honest.out_of_fold.ids < "r42"
    halves = [replace(honest, out_of_fold=honest.out_of_fold.subset(h)) for h in (some, ~some)]
    with pytest.raises(UserError, match="photo and text: of 48 listings"):
        fuse(table, *halves, LOGREG, seed=7)


def test_the_stack_takes_probabilities_alone() -> None:
    with pytest.raises(UserError, match="inputs is 'both'; the head stack") as error:
        parse_params(params_content({"fusion.stack.inputs": "both"}))
    assert "\n" not in str(error.value)


def test_a_row_without_the_price_does_not_read_it() -> None:
    table = made_table()
    scores = made_output(table)
    settings = STACK.model_copy(update={"price": False})
    fused = fuse(table, scores, scores, settings, seed=7)
    assert set(fused.model.answers_) == {("photo",), ("text",), ("photo", "text")}
    other = fuse(table.assign(price=7.0), scores, scores, settings, seed=7)
    np.testing.assert_array_equal(fused.predictions.probs, other.predictions.probs)


@pytest.mark.parametrize("leaky", [False, True])
def test_a_row_with_meta_features_reads_how_texts_are_written(
    leaky: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So few listings would let no head answer.
    monkeypatch.setattr(fused, "choose", lambda heads, *of_it: Choice(heads[0], None, of_it[4]))
    table, output = made_table(), made_output(made_table())

    def probs(meta_features: bool) -> Any:
        settings = LOGREG.model_copy(update={"meta_features": meta_features})
        if leaky:
            outputs = {"photo": output.full, "text": output.full}
            return fuse_leakily(table, outputs, settings, share=0.2, seed=7).probs
        return fuse(table, output, output, settings, seed=7).predictions.probs

    assert np.abs(probs(True) - probs(False)).max() > 1e-3


def test_where_only_one_model_has_an_output_every_head_calibrates_it_alike() -> None:
    table = made_table()
    scores = made_output(table)
    one, two = (fuse(table, scores, scores, head, seed=7).predictions for head in (STACK, LOGREG))
    first, second = (found.without["photo_only"] for found in (one, two))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first.argmax(1), scores.full.probs[48:].argmax(1))
    settings = LOGREG.model_copy(update={"inputs": "features"})
    features = fuse(table, scores, scores, settings, seed=7).predictions
    assert features.without["photo_only"].shape == (12, 3)


def test_predictions_are_loaded_as_they_were_saved_in_equal_bytes(tmp_path: Path) -> None:
    table = made_table()
    scores = made_output(table)
    for name in ("a", "b"):
        found = fuse(table, scores, scores, STACK, seed=7).predictions
        found.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    loaded = Predictions.load(tmp_path / "a")
    assert set(loaded.without) == set(found.without)
    assert loaded.n_fitted == found.n_fitted == 12
    for name in ("ids", "classes", "probs", "seen", "val_ids", "val_probs", "repeats"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(found, name))
    for name, probs in found.without.items():
        np.testing.assert_array_equal(loaded.without[name], probs)


def memorised(table: pd.DataFrame, seed: int) -> RowOutput:
    """Return the label of every listing fitted on and noise for the others: nothing is learned."""
    guesses = np.random.default_rng(seed).dirichlet(np.ones(3), len(table)).astype(np.float32)
    honest = made_output(table, probs=guesses)
    fitted = (table["split"] != "test").to_numpy()
    probs = np.where(fitted[:, None], one_hot(table, 0.99), guesses).astype(np.float32)
    return replace(honest, full=replace(honest.full, probs=probs))


def test_on_labels_without_meaning_the_leaky_score_is_high_and_the_honest_one_is_chance() -> None:
    table = made_table(train=300, val=300, test=300)
    shuffled = np.random.default_rng(0).permutation(table["category"].to_numpy())
    table = table.assign(category=shuffled)
    image, text = memorised(table, 1), memorised(table, 2)
    true = pd.Series(shuffled, index=table["id"])

    found = fuse(table, image, text, LOGREG, seed=7).predictions
    for ids, probs in ((found.ids, found.probs), (found.val_ids, found.val_probs)):
        honest = (found.classes[probs.argmax(1)] == true[ids]).mean()
        # Four standard deviations of a guess on 300 listings.
        assert abs(honest - 1 / 3) < 4 * (2 / 9 / 300) ** 0.5

    both = LOGREG.model_copy(update={"inputs": "both"})
    outputs = {"photo": image.full, "text": text.full}
    leaky = fuse_leakily(table, outputs, both, share=0.25, seed=7)
    right = (leaky.classes[leaky.probs.argmax(1)] == true[leaky.ids]).to_numpy()
    assert right.mean() > 0.55
    assert right[leaky.seen].mean() > 0.95
    assert right[~leaky.seen].mean() < 0.5


def test_the_leaky_row_records_which_listings_were_seen() -> None:
    table = made_table(train=60, val=20, test=20)
    features = made_features(table)
    found = fuse_leakily(table, {"photo": features, "text": features}, LOGREG, share=0.3, seed=7)
    assert len(found.ids) == 30
    assert found.n_fitted == 70
    assert found.seen.tolist() == np.isin(found.ids, features.fitted_ids).tolist()
    assert 0 < found.seen.mean() < 1
    assert found.without == {}
    assert found.val_ids.shape == (0,) and found.val_probs.shape == (0, 3)


def test_the_leaky_row_does_what_logreg_does_but_for_the_split() -> None:
    table = made_table()
    output = made_features(table, fitted_ids=np.array([], str), fitted_by=np.array([], np.int32))
    leaky = fuse_leakily(table, {"photo": output, "text": output}, LOGREG, share=0.2, seed=7)
    split = np.where(table["id"].isin(leaky.ids), "test", "train")
    empty = output.subset(np.zeros(60, bool))
    honest = fuse(
        table.assign(split=split),
        RowOutput(output, empty),
        RowOutput(output, empty),
        LOGREG,
        seed=7,
    ).predictions
    order = np.argsort(leaky.ids)
    np.testing.assert_array_equal(leaky.ids[order], honest.ids)
    np.testing.assert_allclose(leaky.probs[order], honest.probs, atol=1e-6)


@pytest.mark.parametrize("workers", [1, 2, None])
def test_every_round_of_cross_validation_is_fused_and_the_first_model_kept(
    workers: int | None, tmp_path: Path
) -> None:
    table = made_table().assign(fold=np.arange(60) // 3 % 4)
    settings, rounds = STACK, []
    for cv_round, split in enumerate(cv_rounds(table)):
        output = made_output(table.assign(split=split))
        output.save(tmp_path / "row", cv_round)
        rounds.append(fuse(table.assign(split=split), output, output, settings, seed=7))
    row = tmp_path / "row"
    found = fuse_rounds(table, row, row, settings, seed=7, workers=workers)
    assert sorted(found.predictions.ids) == sorted(table["id"])
    expected = np.concatenate([one.predictions.probs for one in rounds])
    np.testing.assert_array_equal(found.predictions.probs, expected)
    np.testing.assert_array_equal(found.predictions.val_ids[:15], rounds[0].predictions.val_ids)
    assert sorted(found.predictions.val_ids) == sorted(table["id"])
    assert found.predictions.repeats.shape == (0, 60, 3)
    kept, first = (one.model.own_["photo"].weights_ for one in (found, rounds[0]))
    np.testing.assert_array_equal(kept, first)


def test_heads_answer_on_one_thread_while_rounds_are_fused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads, answer = [], FusedClassifier.predict_proba

    def watched(*given: Any) -> Any:
        threads.extend(library["num_threads"] for library in threadpool_info())
        return answer(*given)

    monkeypatch.setattr(FusedClassifier, "predict_proba", watched)
    table = made_table()
    output = made_output(table)
    with threadpool_limits(2):
        fuse(table, output, output, STACK, seed=7)
        assert set(threads) == {1}
        assert {library["num_threads"] for library in threadpool_info()} == {2}


def test_a_fault_in_one_round_is_raised_as_it_is(tmp_path: Path) -> None:
    table = made_table().assign(fold=np.arange(60) // 3 % 4)
    for cv_round, split in enumerate(cv_rounds(table)):
        made_output(table.assign(split=split)).save(tmp_path, cv_round)
    # The encoders of round 2 were fitted on what round 3 tests.
    shutil.copytree(tmp_path / "round_2", tmp_path / "round_3", dirs_exist_ok=True)
    with pytest.raises(LeakError, match=r"^test split, photo: \d+ listings scored by an encoder"):
        fuse_rounds(table, tmp_path, tmp_path, STACK, seed=7, workers=2)


def test_every_repeat_reads_its_own_outputs(tmp_path: Path) -> None:
    table = made_table().assign(fold=np.arange(60) // 3 % 4)
    for cv_round, split in enumerate(cv_rounds(table)):
        for repeat, sure in enumerate((0.8, 0.5, 0.4)):
            now = table.assign(split=split)
            made_output(now, probs=one_hot(table, sure)).save(tmp_path, cv_round, repeat)
    found = fuse_rounds(table, tmp_path, tmp_path, STACK, seed=7, repeats=3).predictions
    alone = fuse_rounds(table, tmp_path, tmp_path, STACK, seed=7).predictions
    np.testing.assert_array_equal(found.probs, alone.probs)
    assert found.repeats.shape == (2, 60, 3)
    assert not np.allclose(found.repeats[0], found.probs)


@pytest.mark.parametrize("inputs", ["features", "probs", "both"])
def test_heads_learn_from_every_listing_whatever_they_read(inputs: Any) -> None:
    table = made_table()
    settings = LOGREG.model_copy(update={"inputs": inputs})
    honest = made_output(table)
    every = honest.full.subset(np.arange(48))
    folds = RowOutput(
        honest.full,
        replace(every, scored_by=np.ones(48, np.int32), fitted_by=np.full(48, 2, np.int32)),
    )
    assert fuse(table, honest, honest, settings, seed=7).predictions.n_fitted == 12
    found = fuse(table, folds, folds, settings, seed=7).predictions
    assert found.n_fitted == 48
    assert (found.probs.argmax(1) == one_hot(table)[48:].argmax(1)).all()
