"""What counts as a repost: shops' boilerplate, photos under many ads, mass reposts.

python -m benchmarks.reposts

Each case is planted among 1,000 made-up listings. Precision and recall are of the pairs that
belong together, over the planted listings; `largest` is the size of the largest group found.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pandas as pd

from benchmarks.duplicates_market import made_market
from src.evaluation.planted import pairs_found
from src.prepare.duplicates import group_near_duplicates

TEXT_SIMILARITY, PHOTO_BITS = 0.7, 6
Listing = dict[str, Any]


def main() -> None:
    print("| case | listings | true groups | found | largest | precision | recall |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, make in cases().items():
        planted = make(Words(1))
        found = groups_of(planted)
        truth = pd.Series([str(one["offer"]) for one in planted])
        score = pairs_found(found.to_numpy(dtype=object), truth.to_numpy(dtype=object))
        print(
            f"| {name} | {len(planted)} | {truth.nunique()} | {found.nunique()} | "
            f"{found.value_counts().max()} | {score.precision:.3f} | {score.recall:.3f} |"
        )


class Words:
    """Words of made-up listings, by their frequency there."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.listed = " ".join(made_market(3000, seed=11).table["text"]).split()

    def draw(self, count: int) -> list[str]:
        return self.rng.choices(self.listed, k=count)

    def changed(self, words: list[str], share: float) -> list[str]:
        """Replace some words; at least one."""
        again = list(words)
        count = max(1, round(share * len(words)))
        for place in self.rng.sample(range(len(words)), min(count, len(words))):
            again[place] = self.draw(1)[0]
        return again


def cases() -> dict[str, Callable[[Words], list[Listing]]]:
    """Return the cases: each makes listings with `offer`, the group they truly belong to."""
    found: dict[str, Callable[[Words], list[Listing]]] = {}
    for count in (21, 60, 300):
        found[f"one seller, one photo file, {count} ads"] = lambda w, n=count: photo(w, n)
    found |= {
        "one seller, one photo saved anew 60 times": lambda w: photo(w, 60, flips=1, same=False),
        "one seller, one logo, 4 categories, 80 ads": lambda w: photo(w, 80, categories=4),
        "60 strangers, one placeholder": lambda w: photo(w, 60, seller="each"),
        "no seller known, one photo, texts alike, 60 ads": lambda w: photo(
            w, 60, seller="", changes=0.1
        ),
    }
    for boilerplate in (10, 60, 200):
        for seller in ("shop", ""):
            said = "one seller" if seller else "no seller known"
            found[f"shop of 80 ads, {said}, boilerplate of {boilerplate} words"] = (
                lambda w, b=boilerplate, s=seller: shop(w, 80, b, seller=s)
            )
    found |= {
        "the same, 60 words at the front": lambda w: shop(w, 80, 60, front=True),
        "the same, 60 words, no titles": lambda w: shop(w, 80, 60, title=0),
        "the same, 60 words, emoji between": lambda w: shop(w, 80, 60, emoji=True),
        "the same, 60 words, the text is only that": lambda w: shop(w, 80, 60, own=0),
        "the same, 60 words, 40 of own text": lambda w: shop(w, 80, 60, own=40),
        "three shops, boilerplate of 60 words": lambda w: [
            one for name in "abc" for one in shop(w, 80, 60, seller=name)
        ],
        "a shop of 2,000 ads, 60 words": lambda w: shop(w, 2000, 60),
        "60 reposts, 3 % of words changed": lambda w: reposts(w, 60),
        "the same, no seller known": lambda w: reposts(w, 60, seller=""),
        "the same, a word of the title changed": lambda w: reposts(w, 60, retitled=True),
        "the same, no titles": lambda w: reposts(w, 60, title=0),
        "the same, texts of 400 words": lambda w: reposts(w, 60, length=400),
        "the same, 10 words of their own added": lambda w: reposts(w, 60, added=10),
        "the same, 4 copies": lambda w: reposts(w, 4),
    }
    return found


def photo(
    words: Words,
    count: int,
    *,
    seller: str = "one",
    categories: int = 1,
    flips: int = 0,
    same: bool = True,
    changes: float = 1.0,
) -> list[Listing]:
    """Make ads under one photo; they belong together by category unless of strangers."""
    code, text = words.rng.getrandbits(64), words.draw(40)
    ads = []
    for number in range(count):
        bits = sum(1 << bit for bit in words.rng.sample(range(64), flips))
        category = f"category {number % categories}"
        ads.append(
            {
                "offer": number if seller == "each" else category,
                "title": " ".join(words.draw(4)),
                "text": " ".join(words.changed(text, changes)),
                "category": category,
                "seller": f"stranger {number}" if seller == "each" else seller or None,
                "sha256": "logo" if same else f"logo {number}",
                "phash": f"{code ^ bits:016x}",
            }
        )
    return ads


def shop(
    words: Words,
    count: int,
    boilerplate: int,
    *,
    seller: str = "shop",
    own: int = 10,
    title: int = 4,
    front: bool = False,
    emoji: bool = False,
) -> list[Listing]:
    """Make different ads of 4 categories with the same passage; every tenth is posted twice."""
    common = words.draw(boilerplate)
    if emoji:
        common = [word + " ✅\n" * (place % 7 == 0) for place, word in enumerate(common)]
    ads: list[Listing] = []
    for number in range(count):
        named, said = words.draw(title), words.draw(own)
        for copy in range(1 + (number % 10 == 0)):
            mine = words.changed(said, 0.1) if copy and own else said
            ads.append(
                {
                    "offer": f"{seller} {number}",
                    "title": " ".join(named),
                    "text": " ".join(common + mine if front else mine + common),
                    "category": f"category {number % 4}",
                    "seller": seller or None,
                }
            )
    return ads


def reposts(
    words: Words,
    count: int,
    *,
    seller: str = "one",
    length: int = 60,
    title: int = 4,
    retitled: bool = False,
    added: int = 0,
) -> list[Listing]:
    """Make copies of one ad, each with other words changed."""
    named, text = words.draw(title), words.draw(length)
    return [
        {
            "offer": "one",
            "title": " ".join(words.changed(named, 0.25) if retitled else named),
            "text": " ".join(words.changed(text, 0.03) + words.draw(added)),
            "category": "category 0",
            "seller": seller or None,
        }
        for _ in range(count)
    ]


def groups_of(planted: list[Listing]) -> pd.Series:
    """Group them among others; return the groups of the planted ones, [N]."""
    market = made_market(1000)
    own = pd.DataFrame(planted)
    own["id"] = [f"p{number:05}" for number in range(len(own))]
    for column in ("seller", "sha256", "phash"):
        own[column] = own.get(column, pd.Series(index=own.index, dtype="str"))
    own["row"] = own["sha256"].notna().to_numpy() * 2 - 1
    around = market.table.assign(**market.index.drop(columns="id"))
    whole = pd.concat([around, own], ignore_index=True)
    whole = whole.astype(dict.fromkeys(["seller", "sha256", "phash"], "str"))
    found = group_near_duplicates(whole, whole, TEXT_SIMILARITY, PHOTO_BITS).group
    return found[len(around) :].reset_index(drop=True)


if __name__ == "__main__":
    main()
