"""The components are those of comparing all with all, however much is in memory at a time."""

from __future__ import annotations

import random
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from src.prepare import jaccard
from src.prepare.jaccard import joined, sets_of, similarity


def _sets(members: list[set[int]]) -> csr_array:
    rows = [row for row, own in enumerate(members) for _ in own]
    items = [item for own in members for item in sorted(own)]
    return sets_of(np.array(rows, np.int64), np.array(items, np.int64), len(members))


def _brute(members: list[set[int]], least: float) -> list[int]:
    alike = np.array([[_jaccard(a, b) >= least for b in members] for a in members])
    labels: list[int] = connected_components(alike, directed=False)[1].tolist()
    return labels


def _jaccard(a: set[int], b: set[int]) -> float:
    return len(a & b) / len(a | b) if a & b else 0.0


def _same_partition(a: list[int], b: list[int]) -> bool:
    return len(set(zip(a, b, strict=True))) == len(set(a)) == len(set(b))


LEAST = (0.1, 0.3, 0.5, 2 / 3, 0.7, 0.75, 0.9, 1.0)
families = st.lists(st.sets(st.integers(0, 14), max_size=12), min_size=1, max_size=25)


@given(families, st.sampled_from(LEAST), st.integers(1, 50))
@settings(max_examples=300, deadline=None)
def test_components_are_those_of_brute_force(
    members: list[set[int]], least: float, held: int
) -> None:
    with mock.patch.multiple(jaccard, _PAIRS=held, _COUNTED=held, _ITEMS=held):
        found = joined(_sets(members), least).tolist()
    assert _same_partition(found, _brute(members, least))


@given(families, st.integers(1, 30))
@settings(deadline=None)
def test_similarities_are_exact(members: list[set[int]], held: int) -> None:
    first, second = np.indices((len(members), len(members))).reshape(2, -1)
    with mock.patch.object(jaccard, "_ITEMS", held):
        found = similarity(_sets(members), first, second)
    assert found.tolist() == [_jaccard(a, b) for a in members for b in members]


def test_members_may_be_given_twice_and_sets_be_empty() -> None:
    sets = sets_of(np.array([2, 2, 0]), np.array([7, 7, 7]), 4)
    assert sets.toarray().tolist() == [[1], [0], [1], [0]]
    assert joined(sets, 1.0)[0] == joined(sets, 1.0)[2]
    assert len(set(joined(_sets([set(), set()]), 0.5).tolist())) == 2


def test_a_template_of_thousands_is_not_compared_thousands_squared_times() -> None:
    rng = random.Random(1)
    # A tenth of each is its own.
    members = [{*rng.sample(range(40), 36), *rng.sample(range(100, 10**6), 4)} for _ in range(3000)]
    with mock.patch.object(jaccard, "similarity", wraps=similarity) as counted:
        found = joined(_sets(members), 0.6)
    assert len(set(found.tolist())) == 1
    assert sum(len(call.args[1]) for call in counted.call_args_list) < 3000**2 / 2 / 10


def test_a_similarity_that_is_just_reached_joins() -> None:
    for size in range(1, 30):
        for split in range(1, size + 1):
            sets = _sets([set(range(size)), set(range(size - split, size))])
            least = split / size
            assert len(set(joined(sets, least).tolist())) == 1
            assert len(set(joined(sets, np.nextafter(least, 2)).tolist())) == 2
