"""What tested listings share with others is counted as by comparing all with all."""

from __future__ import annotations

import random
from itertools import pairwise
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.prepare import overlap
from src.prepare.overlap import SplitParts, measure_overlap
from src.prepare.texts import MIN_WORDS


def _market(rng: random.Random, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    texts = [[f"w{rng.randrange(30)}" for _ in range(rng.randint(5, 20))] for _ in range(4)]
    centres = [rng.getrandbits(64) for _ in range(3)]
    rows = []
    for number in range(count):
        words = [f"w{rng.randrange(30)}" if rng.random() < 0.1 else w for w in rng.choice(texts)]
        code = rng.choice(centres) ^ (1 << rng.randrange(64)) ^ (1 << rng.randrange(64))
        has = rng.random() < 0.8
        rows.append(
            {
                "id": str(number),
                "title": " ".join(words[:2]),
                "text": " ".join(words[2:]),
                "seller": rng.choice([None, "a", "b", "c"]),
                "row": 0 if has else -1,
                "sha256": f"{rng.randrange(count):064x}" if has else None,
                "phash": f"{code:016x}" if has and rng.random() < 0.9 else None,
            }
        )
    table = pd.DataFrame(rows).astype(dict.fromkeys(["seller", "sha256", "phash"], "str"))
    return table, table


def _grams(row: dict[str, str]) -> set[tuple[str, str, str]]:
    fields = [row["title"].split(), row["text"].split()]
    if sum(map(len, fields)) < MIN_WORDS:
        return set()
    return {(a, b, c) for own in fields for (a, b), (_, c) in pairwise(pairwise(own))}


@given(st.integers(0, 10**6), st.integers(2, 25), st.integers(0, 8), st.booleans())
@settings(max_examples=80, deadline=None)
def test_counts_are_those_of_comparing_all_with_all(
    seed: int, count: int, bits: int, in_folds: bool
) -> None:
    rng = random.Random(seed)
    table, index = _market(rng, count)
    part = np.array([rng.randrange(3 if in_folds else 2) for _ in range(count)])
    tested = np.ones(count, bool) if in_folds else part == 1
    with mock.patch.object(overlap, "_BLOCK", 7):
        split = {
            "one": SplitParts(part, tested),
            "two": SplitParts(1 - np.minimum(part, 1), tested),
        }
        found = measure_overlap(table, index, split, 0.5, bits, 1)["one"]

    rows = table.to_dict("records")
    numbers = range(count)

    def elsewhere(key: str, a: int) -> bool:
        return isinstance(rows[a][key], str) and any(
            rows[b][key] == rows[a][key] and part[b] != part[a] for b in numbers
        )

    def near(a: int, b: int) -> bool:
        codes = [rows[a]["phash"], rows[b]["phash"]]
        if not all(isinstance(code, str) for code in codes):
            return False
        return (int(codes[0], 16) ^ int(codes[1], 16)).bit_count() <= bits

    photos = [a for a in numbers if tested[a] and rows[a]["row"] >= 0]
    same = {a for a in photos if elsewhere("sha256", a)}
    similar = {a for a in photos if any(near(a, b) and part[a] != part[b] for b in numbers)}
    assert found["photos"] == len(photos)
    assert found["same_file"] == len(same) and found["similar_photo"] == len(same | similar)
    sold = [a for a in numbers if tested[a] and isinstance(rows[a]["seller"], str)]
    assert found["sellers"] == len(sold)
    assert found["same_seller"] == sum(elsewhere("seller", a) for a in sold)
    grams = [_grams(row) for row in rows]
    nearest = [
        max(
            (len(grams[a] & grams[b]) / len(grams[a] | grams[b])
             for b in numbers if part[a] != part[b]),
            default=0,
        )
        for a in numbers
        if tested[a] and grams[a]
    ]  # fmt: skip
    assert found["texts"] == len(nearest)
    assert found["similar_text"] == sum(one >= 0.5 for one in nearest)
    if nearest:
        assert found["nearest_text"]["median"] == pytest.approx(np.median(nearest), abs=1e-4)


def test_of_many_texts_a_sample_is_compared() -> None:
    table, index = _market(random.Random(1), 60)
    part = np.arange(60) % 2
    with mock.patch.object(overlap, "TEXTS_COMPARED", 5):
        found = measure_overlap(table, index, {"one": SplitParts(part, part == 1)}, 0.5, 6, 1)
    assert found["one"]["texts"] == 5
