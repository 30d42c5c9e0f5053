"""A shop's terms join nothing; reposts are joined with them and without."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from src.evaluation.planted import pairs_found
from src.prepare.duplicates import group_near_duplicates
from src.prepare.texts import MAX_SHARED_GRAM

Listing = dict[str, str | None]
VOCABULARY = 3000


def _words(rng: random.Random, count: int) -> list[str]:
    return [f"слово{rng.randrange(VOCABULARY)}" for _ in range(count)]


def _groups(listings: list[Listing]) -> pd.Series:
    table = pd.DataFrame(listings)
    table["id"] = [f"{number:05}" for number in range(len(table))]
    table["seller"] = table["seller"].astype("str")
    table = table.assign(sha256=None, phash=None, row=-1)
    return group_near_duplicates(table, table, 0.7, 6).group


def _ad(title: list[str], text: list[str], category: str, seller: str | None) -> Listing:
    return {
        "title": " ".join(title),
        "text": " ".join(text),
        "category": category,
        "seller": seller,
    }


def _shop(
    rng: random.Random, terms: list[str], seller: str | None, own: int, front: bool = False
) -> tuple[list[Listing], list[str]]:
    """Make 80 different ads of 4 categories, every tenth posted twice, and the true groups."""
    ads, truth = [], []
    for number in range(80):
        title, text = _words(rng, 4), _words(rng, own)
        for copy in range(1 + (number % 10 == 0)):
            said = [*text]
            if copy and said:
                said[rng.randrange(len(said))] = "срочно"
            whole = terms + said if front else said + terms
            ads.append(_ad(title, whole, f"c{number % 4}", seller))
            truth.append(f"{seller} {number}")
    return ads, truth


def _strangers(rng: random.Random) -> list[Listing]:
    return [_ad(_words(rng, 4), _words(rng, 40), "c0", None) for _ in range(100)]


def _score(found: pd.Series, truth: list[str]) -> tuple[float, float]:
    planted = found.iloc[: len(truth)].to_numpy(dtype=object)
    return tuple(pairs_found(planted, np.array(truth, dtype=object)))


@pytest.mark.parametrize("terms", [10, 60, 200])
@pytest.mark.parametrize("own", [0, 10, 40])
@pytest.mark.parametrize("seller", ["shop", None])
def test_a_shops_ads_stay_apart_and_its_reposts_are_joined(
    terms: int, own: int, seller: str | None
) -> None:
    rng = random.Random(terms + own)
    ads, truth = _shop(rng, _words(rng, terms), seller, own)
    assert _score(_groups(ads + _strangers(rng)), truth) == (1, 1)
    # The whole table is one shop.
    assert _score(_groups(ads), truth) == (1, 1)


def test_terms_may_be_at_the_front_and_broken_up_by_emoji() -> None:
    rng = random.Random(1)
    terms = [word + " ✅\n" * (place % 7 == 0) for place, word in enumerate(_words(rng, 60))]
    ads, truth = _shop(rng, terms, "shop", own=10, front=True)
    assert _score(_groups(ads), truth) == (1, 1)


def test_several_shops_with_the_same_terms() -> None:
    rng = random.Random(2)
    terms = _words(rng, 60)
    first, truth = _shop(rng, terms, "one", own=10)
    second, more = _shop(rng, terms, None, own=10)
    assert _score(_groups(first + second), truth + more) == (1, 1)


def test_without_titles_the_own_text_tells() -> None:
    rng = random.Random(3)
    ads, truth = _shop(rng, _words(rng, 60), "shop", own=10)
    untitled = [{**ad, "title": ""} for ad in ads]
    assert _score(_groups(untitled), truth) == (1, 1)


def test_texts_that_are_terms_and_nothing_else_are_copies() -> None:
    terms = _words(random.Random(4), 60)
    assert _groups([_ad([], terms, "c", None)] * 30).nunique() == 1


@pytest.mark.parametrize("count", [2, MAX_SHARED_GRAM, MAX_SHARED_GRAM + 1, 60])
@pytest.mark.parametrize("title", [0, 1, 4])
@pytest.mark.parametrize("length", [50, 100])
def test_one_ad_posted_many_times_with_words_changed_is_joined(
    count: int, title: int, length: int
) -> None:
    rng = random.Random(5)
    named, text = _words(rng, title), _words(rng, length)
    ads = []
    for _ in range(count):
        changed = [*text]
        changed[rng.randrange(length)] = _words(rng, 1)[0]
        ads.append(_ad(named, changed, "c", None))
    assert _groups(ads + _strangers(rng)).iloc[:count].nunique() == 1


def test_a_few_ads_of_one_text_are_taken_for_reposts() -> None:
    rng = random.Random(6)
    terms = _words(rng, 60)

    def groups(count: int) -> int:
        return _groups([_ad(_words(rng, 4), terms, "c", None) for _ in range(count)]).nunique()

    assert groups(MAX_SHARED_GRAM) == 1
    assert groups(MAX_SHARED_GRAM + 1) == MAX_SHARED_GRAM + 1
