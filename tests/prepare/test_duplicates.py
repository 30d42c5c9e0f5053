"""Reposts are put into one group; a shared wall, logo or phrase joins nothing."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import DisjointSet

from src.cleaning.text import clean
from src.prepare import duplicates
from src.prepare.duplicates import (
    MAX_SHARED_PHOTO,
    MIN_WORDS,
    PHOTO_TEXT_SIMILARITY,
    SELLER_TEXT_SIMILARITY,
    DuplicateGroups,
    group_near_duplicates,
)

WORDS = [a + b + c for a in ("ка", "до", "му", "ре") for b in ("ло", "ти", "на") for c in "бвгдж"]


def _text(rng: random.Random, count: int = 40) -> str:
    return " ".join(rng.choice(WORDS) + rng.choice(WORDS) for _ in range(count))


def _group(
    listings: Sequence[Mapping[str, object]], bits: int = 6, similarity: float = 0.7
) -> DuplicateGroups:
    """Group listings given by what matters for a test; everything else differs."""
    rng = random.Random(5)
    rows = []
    for number, own in enumerate(listings):
        row: dict[str, object] = {
            "id": f"{number:05}",
            "title": f"{_text(rng, 3)}",
            "text": _text(rng),
        }
        row |= {"seller": None, "sha256": None, "phash": None}
        rows.append(row | dict(own))
    table = pd.DataFrame(rows)
    for column in ("seller", "sha256", "phash"):
        table[column] = table[column].astype("str")
    table["row"] = np.where(table["sha256"].notna(), np.arange(len(table)), -1)
    return group_near_duplicates(table, table, similarity, bits)


def _file(number: int) -> str:
    return f"{number:064x}"


def _hash(code: int) -> str:
    return f"{code:016x}"


def _together(groups: DuplicateGroups) -> bool:
    return groups.group.nunique() == 1


def test_strangers_stay_apart() -> None:
    groups = _group([{} for _ in range(50)])
    assert groups.group.nunique() == 50
    assert groups.links == {"same file": 0, "photo": 0, "text": 0, "seller": 0}


def test_the_same_file_joins() -> None:
    groups = _group([{}, {"sha256": _file(1)}, {"sha256": _file(1)}])
    assert groups.group.tolist() == ["00000", "00001", "00001"]


def test_an_altered_text_joins_and_a_half_changed_one_does_not() -> None:
    text = _text(random.Random(1), 60)
    listed = text.split()
    listed[20] = "срочно"
    assert _together(_group([{"text": text}, {"text": " ".join([*listed, "торг"])}]))
    half = " ".join(listed[:30] + _text(random.Random(2), 30).split())
    assert not _together(_group([{"text": text}, {"text": half}]))


def test_short_and_empty_texts_are_no_evidence() -> None:
    for text, title in (("", ""), ("Продам срочно", "Вещь"), ("Торг", "iPhone 11 64 gb")):
        assert not _together(_group([{"text": text, "title": title}] * 2))


def test_alike_photos_need_words_in_common() -> None:
    rng = random.Random(3)
    text = _text(rng, 40)
    other = " ".join(text.split()[::2] + _text(rng, 10).split())
    near, far = _hash(0b111111), _hash(0b1111111)
    alike = [{"phash": _hash(0), "text": text}, {"phash": near, "text": other}]
    assert _together(_group(alike))
    assert not _together(_group([alike[0], {**alike[1], "phash": far}]))
    assert not _together(_group([{"phash": _hash(0)}, {"phash": near}]))
    assert _together(_group([{"phash": _hash(0), "text": "", "title": ""}, {"phash": near}]))
    assert _together(_group([{"phash": _hash(0), "seller": "s"}, {"phash": near, "seller": "s"}]))


def test_a_wall_or_a_logo_does_not_chain_strangers() -> None:
    many = MAX_SHARED_PHOTO + 1
    logo = [{"sha256": _file(7), "phash": _hash(99), "text": "", "title": ""}] * many
    assert _group(logo).group.nunique() == many
    # A chain of walls, each one bit from the next.
    walls = [{"phash": _hash((1 << k) - 1), "text": "", "title": ""} for k in range(60)]
    assert _group(walls, bits=12).group.nunique() > 30


def test_thousands_of_one_wall_take_no_memory() -> None:
    assert _group([{"phash": _hash(1), "text": "", "title": ""}] * 3000).group.nunique() == 3000


def test_one_seller_and_one_title_join() -> None:
    same = {"seller": "s", "title": "Шкаф-купе"}
    assert _together(_group([same, {"seller": "s", "title": "шкаф-купе"}]))
    assert not _together(_group([same, {"seller": "r", "title": "Шкаф-купе"}]))
    assert not _together(_group([{"seller": "s", "title": ""}] * 2))


def test_the_name_is_the_smallest_id_in_any_order() -> None:
    rng = random.Random(4)
    text = _text(rng)
    table = pd.DataFrame({"id": ["b", "a", "d", "c"], "title": ["x"] * 4, "seller": [None] * 4})
    table["text"] = [text, text, _text(rng), text]
    table = table.assign(sha256=None, phash=None, row=-1)
    names = group_near_duplicates(table, table, 0.7, 6).group
    assert names.tolist() == ["a", "a", "d", "a"]
    turned = table.iloc[::-1]
    assert group_near_duplicates(turned, turned, 0.7, 6).group[table.index].tolist() == [*names]


def _jaccard(a: set[str], b: set[str]) -> float:
    return len(a & b) / len(a | b) if a & b else 0.0


def _brute(rows: list[dict[str, str | None]], bits: int, similarity: float, shared: int) -> set:
    """Return the groups, by comparing every listing with every other."""
    fields = [[str(row["title"]).split(), str(row["text"]).split()] for row in rows]
    words = [set(title + text) for title, text in fields]
    grams = [{(*gram,) for one in own for gram in zip(one, one[1:], one[2:])} for own in fields]  # noqa: B905
    short = [sum(map(len, own)) < MIN_WORDS for own in fields]
    codes = [None if row["phash"] is None else int(row["phash"], 16) for row in rows]

    def near(a: int, b: int) -> bool:
        one, other = codes[a], codes[b]
        return one is not None and other is not None and (one ^ other).bit_count() <= bits

    def few(a: int) -> bool:
        return sum(near(a, b) for b in range(len(rows))) <= shared

    files = [row["sha256"] for row in rows]
    joined = DisjointSet(range(len(rows)))
    for a, b in combinations(range(len(rows)), 2):
        one, other = rows[a], rows[b]
        same_seller = one["seller"] is not None and one["seller"] == other["seller"]
        same_file = files[a] is not None and files[a] == files[b]
        alike = _jaccard(grams[a], grams[b])
        least = min(similarity, SELLER_TEXT_SIMILARITY) if same_seller else similarity
        said = same_seller or short[a] or short[b]
        if (
            (same_file and files.count(files[a]) <= shared)
            or (not short[a] and not short[b] and alike >= least)
            or (same_seller and one["title"] and one["title"] == other["title"])
            or (
                near(a, b)
                and few(a)
                and few(b)
                and (said or _jaccard(words[a], words[b]) >= PHOTO_TEXT_SIMILARITY)
            )
        ):
            joined.merge(a, b)
    return {frozenset(group) for group in joined.subsets()}


@given(
    st.integers(0, 10**6),
    st.integers(2, 30),
    st.integers(0, 12),
    st.sampled_from([0.3, 0.5, 0.6, 0.7, 1.0]),
)
@settings(max_examples=80, deadline=None)
def test_groups_are_those_of_comparing_all_with_all(
    seed: int, count: int, bits: int, similarity: float
) -> None:
    rng = random.Random(seed)
    texts = [_text(rng, rng.randint(0, 24)).split() for _ in range(4)]
    centres = [rng.getrandbits(64) for _ in range(3)]
    rows: list[dict[str, str | None]] = []
    for _ in range(count):
        words = [rng.choice(WORDS) if rng.random() < 0.1 else w for w in rng.choice(texts)]
        code = rng.choice(centres)
        for _ in range(rng.randint(0, 9)):
            code ^= 1 << rng.randrange(64)
        cut = rng.randint(0, 3)
        row: dict[str, str | None] = {"title": " ".join(words[:cut]), "text": " ".join(words[cut:])}
        row["seller"] = rng.choice([None, "a", "b"])
        row["sha256"] = rng.choice([None, _file(rng.randrange(4))])
        row["phash"] = rng.choice([None, _hash(code)])
        rows.append(row)
    with mock.patch.object(duplicates, "MAX_SHARED_PHOTO", 4):
        found = _group(rows, bits, similarity).group
    groups = {frozenset(own.tolist()) for own in found.groupby(found).indices.values()}
    assert groups == _brute(rows, bits, similarity, shared=4)


def test_planted_reposts_are_found() -> None:
    rng = random.Random(6)
    listings: list[dict[str, object]] = []
    truth = []
    for root in range(300):
        text, code = _text(rng, rng.randint(12, 80)), rng.getrandbits(64)
        for copy in range(rng.choice([1, 1, 1, 2, 3])):
            listed = text.split()
            if copy:
                listed[rng.randrange(len(listed))] = "срочно"
            listings.append(
                {"text": " ".join(listed), "phash": _hash(code ^ (1 << rng.randrange(64)))}
            )
            truth.append(root)
    found = _group(listings).group.to_numpy()
    real = np.array(truth)
    upper = np.triu_indices(len(real), 1)
    same = (real[:, None] == real)[upper]
    joined = (found[:, None] == found)[upper]
    assert (same & joined).sum() / joined.sum() >= 0.98
    assert (same & joined).sum() / same.sum() >= 0.95


def test_groups_of_real_ads_are_small(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "gumtree/listings.csv").iloc[:2000]
    table = table.assign(text=table["description"].map(clean), seller=None)
    table = table.assign(sha256=None, phash=None, row=-1)
    sizes = group_near_duplicates(table, table, 0.7, 6).group.value_counts()
    assert 1 < sizes.max() <= 20 and 0.9 < len(sizes) / len(table) < 1
