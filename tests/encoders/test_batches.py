"""Batches: every row once, repeatable, balanced where asked for, little padding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from src.encoders.common.batches import OrderedBatches, TrainBatches

Batches = list[list[int]]


def epoch(batches: TrainBatches | OrderedBatches) -> Batches:
    return [[row for _, row in batch] for batch in batches]


def padding(batches: Batches, lengths: NDArray[np.int64]) -> int:
    """Count the tokens that fill batches up to their longest row."""
    return sum(int((lengths[rows].max() - lengths[rows]).sum()) for rows in batches)


@given(n=st.integers(2, 200), batch=st.integers(2, 40), bucketed=st.booleans())
def test_every_row_comes_once_per_epoch_and_never_alone(n: int, batch: int, bucketed: bool) -> None:
    lengths = np.arange(n) % 17 if bucketed else None
    batches = TrainBatches(np.zeros(n, np.int64), batch, seed=1, lengths=lengths)
    for _ in range(2):
        found = epoch(batches)
        assert sorted(row for rows in found for row in rows) == list(range(n))
        assert min(map(len, found)) > 1
        assert len(found) == len(batches)


def test_each_epoch_has_another_order_and_each_repetition_the_same() -> None:
    one, two = (TrainBatches(np.zeros(50, np.int64), 8, seed=1) for _ in range(2))
    first, second = epoch(one), epoch(one)
    assert first != second
    assert [epoch(two), epoch(two)] == [first, second]
    assert epoch(TrainBatches(np.zeros(50, np.int64), 8, seed=2)) != first


def test_rows_travel_with_their_epoch() -> None:
    batches = TrainBatches(np.zeros(6, np.int64), 3, seed=1)
    for expected in (0, 1):
        assert {number for batch in batches for number, _ in batch} == {expected}


def test_balanced_batches_show_all_classes_alike() -> None:
    labels = np.repeat([0, 1, 2], [900, 90, 10])
    shown = labels[np.concatenate(epoch(TrainBatches(labels, 50, seed=1, balanced=True)))]
    np.testing.assert_allclose(np.bincount(shown) / len(shown), 1 / 3, atol=0.05)


def test_batches_of_like_length_waste_less_padding_than_random_ones() -> None:
    lengths = np.random.default_rng(0).integers(3, 128, 4000)
    labels = np.zeros(4000, np.int64)
    random = padding(epoch(TrainBatches(labels, 32, seed=1)), lengths)
    bucketed = padding(epoch(TrainBatches(labels, 32, seed=1, lengths=lengths)), lengths)
    assert bucketed < random / 5


@pytest.mark.parametrize("lengths", [None, np.array([3, 9, 5, 9, 1])])
def test_ordered_batches_give_every_row_once_the_longest_first(
    lengths: NDArray[np.int64] | None,
) -> None:
    batches = OrderedBatches(5, 2, lengths)
    expected = [[0, 1], [2, 3], [4]] if lengths is None else [[1, 3], [2, 0], [4]]
    assert epoch(batches) == expected
    assert len(batches) == 3
