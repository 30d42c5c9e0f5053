"""The pairs are those that comparing all with all finds, each once."""

from __future__ import annotations

import random
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from src.prepare import hamming
from src.prepare.hamming import near_codes


def _codes(count: int, flips: int, seed: int) -> list[int]:
    """Return codes around few centres, so that all distances up to about `flips` occur."""
    rng = random.Random(seed)
    centres = [rng.getrandbits(64) for _ in range(3)]
    codes = []
    for _ in range(count):
        code = rng.choice(centres)
        for _ in range(rng.randint(0, flips)):
            code ^= 1 << rng.randrange(64)
        codes.append(code)
    return codes


@given(st.integers(0, 40), st.integers(0, 20), st.integers(0, 10**6), st.integers(0, 64), st.data())
@settings(max_examples=200, deadline=None)
def test_pairs_are_those_of_brute_force(
    count: int, flips: int, seed: int, bits: int, data: st.DataObject
) -> None:
    codes = _codes(count, flips, seed)
    alike = data.draw(st.integers(0, min(3, 64 - bits)) if bits < 20 else st.just(0))
    with mock.patch.object(hamming, "_pieces_alike", return_value=alike):
        found = [pair for pairs in near_codes(np.array(codes, np.uint64), bits) for pair in pairs.T]
    pairs = sorted(tuple(sorted(pair.tolist())) for pair in found)
    expected = [
        (a, b)
        for a in range(count)
        for b in range(a + 1, count)
        if (codes[a] ^ codes[b]).bit_count() <= bits
    ]
    assert pairs == expected


@given(st.integers(0, 10**7), st.integers(0, 64))
def test_there_are_never_more_pieces_than_bits(count: int, bits: int) -> None:
    assert 0 <= hamming._pieces_alike(count, bits) <= 64 - bits


def test_random_codes_are_compared_with_few_others() -> None:
    codes = np.random.default_rng(0).integers(2**64, size=20_000, dtype=np.uint64)
    with mock.patch.object(np, "bitwise_count", wraps=np.bitwise_count) as counted:
        list(near_codes(codes, 6))
    assert sum(len(call.args[0]) for call in counted.call_args_list) < len(codes) ** 2 / 2 / 50
