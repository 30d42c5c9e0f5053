"""Reposts are put into one group; a shared wall, logo or phrase joins nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations, groupby
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import DisjointSet

from src.cleaning.text import clean
from src.prepare import duplicates, texts
from src.prepare.duplicates import (
    MAX_SHARED_PHOTO,
    PHOTO_TEXT_SIMILARITY,
    SELLER_TEXT_SIMILARITY,
    DuplicateGroups,
    group_near_duplicates,
)
from src.prepare.texts import MIN_WORDS, OWN_SIMILARITY, OWN_WORDS

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
        row |= {"category": "c", "seller": None, "sha256": None, "phash": None}
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


@pytest.mark.parametrize("count", [MAX_SHARED_PHOTO, MAX_SHARED_PHOTO + 1, 60])
def test_a_photo_under_many_ads_joins_those_of_one_seller_and_category(count: int) -> None:
    one = {"sha256": _file(7), "phash": _hash(99), "seller": "s"}
    assert _together(_group([one] * count))
    # Saved anew: other bytes, and a bit of the hash.
    anew = [{"sha256": _file(k), "phash": _hash(1 << k), "seller": "s"} for k in range(count)]
    assert _together(_group(anew))
    plain = [{"sha256": _file(7), "seller": "s"}] * count
    assert _together(_group(plain))


def test_a_photo_under_many_ads_says_nothing_of_another_category_or_seller() -> None:
    one = {"sha256": _file(7), "phash": _hash(99)}
    logo = [{**one, "seller": "s", "category": f"c{k % 4}"} for k in range(80)]
    assert _group(logo).group.value_counts().tolist() == [20] * 4
    strangers = [{**one, "seller": f"s{k}"} for k in range(60)]
    assert _group(strangers).group.nunique() == 60


def test_a_photo_under_many_ads_of_unknown_sellers_needs_words_in_common() -> None:
    one = {"sha256": _file(7), "phash": _hash(99)}
    assert _group([one] * 60).group.nunique() == 60
    text = _text(random.Random(8), 30)
    half = [{**one, "text": f"{text} {_text(random.Random(k), 15)}"} for k in range(60)]
    assert _together(_group(half))
    apart = [{**own, "category": f"c{k % 2}"} for k, own in enumerate(half)]
    assert _group(apart).group.nunique() == 2


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
    table = table.assign(category="c", sha256=None, phash=None, row=-1)
    names = group_near_duplicates(table, table, 0.7, 6).group
    assert names.tolist() == ["a", "a", "d", "a"]
    turned = table.iloc[::-1]
    assert group_near_duplicates(turned, turned, 0.7, 6).group[table.index].tolist() == [*names]


def _jaccard(a: set[str], b: set[str]) -> float:
    return len(a & b) / len(a | b) if a & b else 0.0


def _own_words(fields: list[list[list[str]]], own: list[int], shared: int) -> dict[int, set[str]]:
    """Words of titles, and of passages that at most `shared` of these listings have."""

    def grams(words: list[str]) -> list[tuple[str, ...]]:
        return [tuple(words[i : i + 3]) for i in range(len(words) - 2)]

    held_by = Counter(
        gram for row in own for gram in {gram for field in fields[row] for gram in grams(field)}
    )
    found = {}
    for row in own:
        title, text = fields[row]
        common = [False] * len(text)
        for start, gram in enumerate(grams(text)):
            if held_by[gram] > shared:
                common[start : start + 3] = [True] * 3
        found[row] = set(title)
        for is_common, run in groupby(range(len(text)), key=common.__getitem__):
            places = list(run)
            if not is_common and len(places) >= OWN_WORDS:
                found[row] |= {text[place] for place in places}
    return found


def _brute(
    rows: list[dict[str, str | None]], bits: int, similarity: float, shared: int, gram: int
) -> set:
    """Return the groups, by comparing every listing with every other."""
    fields = [[str(row["title"]).split(), str(row["text"]).split()] for row in rows]
    words = [set(title + text) for title, text in fields]
    grams = [{(*gram,) for one in own for gram in zip(one, one[1:], one[2:])} for own in fields]  # noqa: B905
    short = [sum(map(len, own)) < MIN_WORDS for own in fields]
    codes = [None if row["phash"] is None else int(row["phash"], 16) for row in rows]
    files = [row["sha256"] for row in rows]
    numbers = range(len(rows))

    def near(a: int, b: int) -> bool:
        one, other = codes[a], codes[b]
        return one is not None and other is not None and (one ^ other).bit_count() <= bits

    few = [sum(near(a, b) for b in numbers) <= shared for a in numbers]

    def same_seller(a: int, b: int) -> bool:
        return rows[a]["seller"] is not None and rows[a]["seller"] == rows[b]["seller"]

    def alike(a: int, b: int, least: float) -> bool:
        return not short[a] and not short[b] and _jaccard(grams[a], grams[b]) >= least

    joined = DisjointSet(numbers)
    pairs = list(combinations(numbers, 2))
    strangers, sellers = DisjointSet(numbers), DisjointSet(numbers)
    for a, b in pairs:
        if alike(a, b, similarity):
            strangers.merge(a, b)
        if same_seller(a, b) and alike(a, b, min(similarity, SELLER_TEXT_SIMILARITY)):
            sellers.merge(a, b)
    for own in (*strangers.subsets(), *sellers.subsets()):
        said = _own_words(fields, list(own), gram)
        for a, b in combinations(own, 2):
            agree = _jaccard(said[a], said[b]) >= OWN_SIMILARITY or not (said[a] or said[b])
            if len(own) <= gram or agree:
                joined.merge(a, b)
    for a, b in pairs:
        one, other = rows[a], rows[b]
        common = _jaccard(words[a], words[b]) >= PHOTO_TEXT_SIMILARITY
        in_category = one["category"] == other["category"]
        same_file = files[a] is not None and files[a] == files[b]
        nameless = one["seller"] is None and other["seller"] is None
        equal = codes[a] is not None and codes[a] == codes[b]
        crowded = any(
            not few[c] and same_seller(a, c) and one["category"] == rows[c]["category"]
            for c in numbers
        )
        if (
            (same_file and files.count(files[a]) <= shared)
            or (same_file and same_seller(a, b) and in_category)
            or (same_seller(a, b) and one["title"] and one["title"] == other["title"])
            or (
                (near(a, b) and few[a] and few[b])
                and (same_seller(a, b) or short[a] or short[b] or common)
            )
            or (near(a, b) and same_seller(a, b) and in_category and crowded)
            or (equal and not few[a] and nameless and in_category and common)
        ):
            joined.merge(a, b)
    return {frozenset(group) for group in joined.subsets()}


def _partition(group: pd.Series) -> set[frozenset[int]]:
    return {frozenset(own.tolist()) for own in group.groupby(group).indices.values()}


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
    originals = [_text(rng, rng.randint(0, 24)).split() for _ in range(4)]
    terms = _text(rng, 12).split()
    centres = [rng.getrandbits(64) for _ in range(3)]
    rows: list[dict[str, str | None]] = []
    for _ in range(count):
        words = [rng.choice(WORDS) if rng.random() < 0.1 else w for w in rng.choice(originals)]
        if rng.random() < 0.4:
            words = _text(rng, rng.randint(0, 9)).split() + terms
        code = rng.choice(centres)
        for _ in range(rng.randint(0, 9)):
            code ^= 1 << rng.randrange(64)
        cut = rng.randint(0, 3)
        row: dict[str, str | None] = {"title": " ".join(words[:cut]), "text": " ".join(words[cut:])}
        row["seller"] = rng.choice([None, "a", "b"])
        row["category"] = rng.choice(["c", "d"])
        row["sha256"] = rng.choice([None, _file(rng.randrange(4))])
        row["phash"] = rng.choice([None, _hash(code)])
        rows.append(row)
    photos = mock.patch.object(duplicates, "MAX_SHARED_PHOTO", 4)
    with photos, mock.patch.object(texts, "MAX_SHARED_GRAM", 2):
        found = _group(rows, bits, similarity).group
        turned = _group(rows[::-1], bits, similarity).group
    assert _partition(found) == {
        frozenset(len(rows) - 1 - row for row in own) for own in _partition(turned)
    }
    assert _partition(found) == _brute(rows, bits, similarity, shared=4, gram=2)


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
