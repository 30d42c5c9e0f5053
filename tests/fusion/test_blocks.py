"""Blocks: what each modality says of every listing, and what may be learned from."""

from __future__ import annotations

import numpy as np
import pytest

from src.artifacts.outputs import ModelOutput
from src.core.errors import UserError
from src.fusion.blocks import model_block, price_block, with_out_of_fold
from tests.made import made_features, made_table, one_hot

TABLE = made_table()
TRAIN = (TABLE["split"] == "train").to_numpy()


def out_of_fold(features: ModelOutput) -> ModelOutput:
    """Scores of the train part by two encoders, each fitted on the other's half."""
    kept = features.rows(TRAIN)
    half = (np.arange(36) % 2).astype(np.int32)
    return ModelOutput(
        ids=kept.ids,
        features=kept.features + 100,
        probs=one_hot(TABLE, sure=0.5)[TRAIN],
        classes=kept.classes,
        scored_by=half + 1,
        fitted_ids=kept.ids,
        fitted_by=2 - half,
        frozen=features.frozen,
    )


def test_a_listing_without_the_modality_is_absent_and_zero() -> None:
    some = made_features(TABLE).rows(np.arange(1, 60))
    block = model_block(TABLE, some, "both")
    assert block.present.tolist() == [False] + [True] * 59
    assert not block.x[0].any()
    assert block.unseen[0]


def test_rows_follow_the_table_whatever_the_order_of_the_features() -> None:
    features = made_features(TABLE)
    mixed = features.rows(np.random.default_rng(0).permutation(60))
    for inputs in ("features", "probs", "both"):
        one, two = (model_block(TABLE, said, inputs) for said in (features, mixed))
        np.testing.assert_array_equal(one.x, two.x)
        np.testing.assert_array_equal(one.unseen, two.unseen)


def test_features_have_unit_length_and_probabilities_become_centred_logarithms() -> None:
    features = made_features(TABLE)
    x = model_block(TABLE, features, "features").x
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, atol=1e-5)
    logs = model_block(TABLE, features, "probs").x
    np.testing.assert_allclose(logs.sum(1), 0, atol=1e-5)
    softmax = np.exp(logs) / np.exp(logs).sum(1, keepdims=True)
    np.testing.assert_allclose(softmax, features.probs, atol=1e-5)
    both = model_block(TABLE, features, "both").x
    np.testing.assert_array_equal(both, np.hstack([x, logs]))


def test_a_probability_of_zero_stays_finite() -> None:
    block = model_block(TABLE, made_features(TABLE, probs=one_hot(TABLE, sure=1.0)), "probs")
    assert np.isfinite(block.x).all()
    assert block.x.max() < 10


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("inputs", ["features", "probs", "both"])
def test_only_features_of_a_frozen_network_are_unseen_by_it_for_the_rows_of_its_head(
    inputs: str, frozen: bool
) -> None:
    block = model_block(TABLE, made_features(TABLE, frozen=frozen), inputs)
    expected = np.ones(60, bool) if frozen and inputs == "features" else ~TRAIN
    np.testing.assert_array_equal(block.unseen, expected)


def test_unknown_inputs_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="inputs is 'logits'; expected") as error:
        model_block(TABLE, made_features(TABLE), "logits")
    assert "\n" not in str(error.value)


def test_a_missing_price_is_absent_and_a_price_is_its_logarithm() -> None:
    table = TABLE.copy()
    table.loc[0, "price"] = np.nan
    table.loc[1, "price"] = 0.0
    block = price_block(table)
    assert block.present.tolist() == [False] + [True] * 59
    np.testing.assert_allclose(block.x[:3, 0], [0, 0, np.log1p(102)], rtol=1e-6)
    assert block.unseen.all()


@pytest.mark.parametrize("frozen", [False, True])
def test_out_of_fold_probabilities_take_the_place_of_seen_ones(frozen: bool) -> None:
    features = made_features(TABLE, frozen=frozen)
    block = model_block(TABLE, with_out_of_fold(features, out_of_fold(features), "probs"), "probs")
    assert block.present.all()
    assert block.unseen.all()
    weaker = model_block(TABLE, made_features(TABLE, probs=one_hot(TABLE, sure=0.5)), "probs").x
    np.testing.assert_allclose(block.x[TRAIN], weaker[TRAIN], atol=1e-5)
    untouched = model_block(TABLE, features, "probs").x
    np.testing.assert_array_equal(block.x[~TRAIN], untouched[~TRAIN])


@pytest.mark.parametrize("inputs", ["features", "both"])
def test_features_of_separately_tuned_encoders_are_not_mixed(inputs: str) -> None:
    features = made_features(TABLE)
    assert with_out_of_fold(features, out_of_fold(features), inputs) is features
    frozen = made_features(TABLE, frozen=True)
    joined = with_out_of_fold(frozen, out_of_fold(frozen), inputs)
    assert model_block(TABLE, joined, inputs).unseen.all()


def test_out_of_fold_scores_that_saw_their_row_stay_seen() -> None:
    features = made_features(TABLE)
    honest = out_of_fold(features)
    leaking = ModelOutput(**vars(honest) | {"fitted_by": honest.scored_by})
    joined = with_out_of_fold(features, leaking, "probs")
    assert not model_block(TABLE, joined, "probs").unseen[TRAIN].any()
