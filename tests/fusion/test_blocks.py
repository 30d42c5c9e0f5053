"""Blocks: the columns of each modality, and which listings a head may learn from."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from src.artifacts.outputs import ModelOutput, RowOutput
from src.core.errors import UserError
from src.core.params import parse_params
from src.core.schema import Inputs
from src.fusion.blocks import Block, block_of, model_block, price_block, with_out_of_fold
from tests.made import made_features, made_table, one_hot, params_content

TABLE = made_table()
TRAIN = (TABLE["split"] == "train").to_numpy()


INPUTS: tuple[Inputs, ...] = ("features", "probs", "both")


def out_of_fold(full: ModelOutput) -> ModelOutput:
    """Return outputs of the train split by two encoders, each fitted on the other's half."""
    kept = full.subset(TRAIN)
    half = (np.arange(36) % 2).astype(np.int32)
    return ModelOutput(
        ids=kept.ids,
        features=kept.features + 100,
        probs=one_hot(TABLE, sure=0.5)[TRAIN],
        classes=kept.classes,
        scored_by=half + 1,
        left_out=np.full(len(kept.ids), ""),
        fitted_ids=kept.ids,
        fitted_by=2 - half,
        frozen=full.frozen,
    )


def read_by_heads(block: Block) -> NDArray[np.float32]:
    """Return all that heads read of a block, [N, F + D]."""
    features = block.columns[:, :0] if block.features is None else block.features
    return np.hstack([features, block.columns])


def test_a_listing_without_the_modality_is_absent_and_zero() -> None:
    some = made_features(TABLE).subset(np.arange(1, 60))
    block = model_block(TABLE, some, "both")
    assert block.present.tolist() == [False] + [True] * 59
    assert not read_by_heads(block)[0].any()
    assert block.unseen[0]


def test_rows_follow_the_table_whatever_the_order_of_the_features() -> None:
    output = made_features(TABLE)
    mixed = output.subset(np.random.default_rng(0).permutation(60))
    for inputs in INPUTS:
        one, two = (model_block(TABLE, some, inputs) for some in (output, mixed))
        np.testing.assert_array_equal(read_by_heads(one), read_by_heads(two))
        np.testing.assert_array_equal(one.unseen, two.unseen)


def test_features_have_unit_length_and_probabilities_become_centred_logarithms() -> None:
    output = made_features(TABLE)
    block = model_block(TABLE, output, "features")
    units = block.features
    assert units is not None
    assert block.columns.shape == (60, 0)
    np.testing.assert_allclose(np.linalg.norm(units, axis=1), 1, atol=1e-5)
    logs = model_block(TABLE, output, "probs").columns
    np.testing.assert_allclose(logs.sum(1), 0, atol=1e-5)
    softmax = np.exp(logs) / np.exp(logs).sum(1, keepdims=True)
    np.testing.assert_allclose(softmax, output.probs, atol=1e-5)
    both = model_block(TABLE, output, "both")
    np.testing.assert_array_equal(both.features, units)
    np.testing.assert_array_equal(both.columns, logs)


def test_a_probability_of_zero_stays_finite() -> None:
    block = model_block(TABLE, made_features(TABLE, probs=one_hot(TABLE, sure=1.0)), "probs")
    assert np.isfinite(block.columns).all()
    assert block.columns.max() < 10


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("inputs", INPUTS)
def test_every_block_starts_from_probabilities_so_what_was_fitted_on_is_seen(
    inputs: Inputs, frozen: bool
) -> None:
    block = model_block(TABLE, made_features(TABLE, frozen=frozen), inputs)
    np.testing.assert_array_equal(block.unseen, ~TRAIN)
    assert block.logs is not None
    expected = model_block(TABLE, made_features(TABLE), "probs").logs
    np.testing.assert_array_equal(block.logs, expected)
    assert (block.columns is block.logs) == (inputs != "features")
    assert (block.features is None) == (inputs == "probs")


@pytest.mark.parametrize("num_classes", [2, 17, 750, 5000])
def test_the_floor_of_probabilities_lies_below_chance(num_classes: int) -> None:
    probs = np.full((1, num_classes), 0.5 / (num_classes - 1), np.float32)
    probs[0, 0] = 0.5
    probs[0, 1] /= 10
    block = block_of(1, np.arange(1), probs, probs, "probs", np.ones(1, bool))
    softmax = np.exp(block.columns) / np.exp(block.columns).sum()
    np.testing.assert_allclose(softmax[0, :2], probs[0, :2] / probs.sum(), rtol=1e-3)


def test_unknown_inputs_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"fusion\.stack\.inputs is 'logits'; expected") as error:
        parse_params(params_content({"fusion.stack.inputs": "logits"}))
    assert "\n" not in str(error.value)


def test_a_missing_price_is_absent_and_a_price_is_its_logarithm() -> None:
    table = TABLE.copy()
    table.loc[0, "price"] = np.nan
    table.loc[1, "price"] = 0.0
    block = price_block(table)
    assert block.present.tolist() == [False] + [True] * 59
    np.testing.assert_allclose(block.columns[:3, 0], [0, 0, np.log1p(102)], rtol=1e-6)
    assert block.unseen.all()


@pytest.mark.parametrize("inputs", INPUTS)
def test_out_of_fold_outputs_take_the_place_of_seen_ones(inputs: Inputs) -> None:
    full = made_features(TABLE)
    joined = with_out_of_fold(RowOutput(full, out_of_fold(full)))
    block = model_block(TABLE, joined, inputs)
    assert block.present.all()
    assert block.unseen.all()
    others = made_features(TABLE, probs=one_hot(TABLE, sure=0.5), features=full.features + 100)
    expected, untouched = (read_by_heads(model_block(TABLE, one, inputs)) for one in (others, full))
    np.testing.assert_allclose(read_by_heads(block)[TRAIN], expected[TRAIN], atol=1e-5)
    np.testing.assert_array_equal(read_by_heads(block)[~TRAIN], untouched[~TRAIN])


def test_out_of_fold_scores_that_saw_their_listing_stay_seen() -> None:
    full = made_features(TABLE)
    honest = out_of_fold(full)
    leaking = ModelOutput(**vars(honest) | {"fitted_by": honest.scored_by})
    joined = with_out_of_fold(RowOutput(full, leaking))
    assert not model_block(TABLE, joined, "probs").unseen[TRAIN].any()
