"""The simulated marketplace: any listing on its own, from the seed and its number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import blake2b

import numpy as np
import pandas as pd

from src.collect.demo import photos, texts
from src.collect.demo.catalog import CATEGORIES, NEUTRAL_GLYPHS, Category, Thing
from src.collect.demo.dates import put_up
from src.collect.demo.params import DemoParams
from src.collect.demo.texts import Text

_SHARES = np.array([category.share for category in CATEGORIES])
_SHARES = _SHARES / _SHARES.sum()
_FIRST_ID = 4_000_000_000
# Streams of one listing. Not 0: numpy seeds [seed, i, 0] and [seed, i] alike.
TEXT, PHOTO, REPOST_TEXT, REPOST_PHOTO, BAD_PHOTO = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class Facts:
    """What is true of a listing; kinds: informative, dull, broken (a photo), none."""

    index: int
    # The listing that this one repeats, itself when it repeats none.
    root: int
    category: int
    shown: int
    thing: int
    text: str
    photo: str
    price: int | None
    seller: str
    contacts: bool

    @property
    def id(self) -> str:
        return listing_id(self.index)

    @property
    def listed(self) -> datetime:
        """The moment it was put up, UTC."""
        return put_up(self.index)


def listing_id(index: int) -> str:
    return str(_FIRST_ID + 37 * index)


class Market:
    """All listings of the demo, made on demand: `facts[i]`, `text(i)`, `photo(i)`."""

    def __init__(self, params: DemoParams, seed: int) -> None:
        self.params = params
        self.seed = seed

    def __len__(self) -> int:
        return self.params.listings

    @cached_property
    def facts(self) -> list[Facts]:
        return [self._facts(index) for index in range(len(self))]

    @property
    def now(self) -> datetime:
        """The moment at which the site is visited, UTC: an hour after its newest listing."""
        return put_up(len(self) - 1) + timedelta(hours=1)

    def category(self, facts: Facts) -> Category:
        return CATEGORIES[facts.category]

    def thing(self, facts: Facts) -> Thing:
        return CATEGORIES[facts.category].things[facts.thing]

    def text(self, index: int) -> Text:
        """The listing's title and body; both empty for a listing without text."""
        facts = self.facts[index]
        rng = self.rng(facts.root, TEXT)
        if facts.text == "none":
            return Text("", "")
        if facts.text == "dull":
            text = texts.dull(rng)
        else:
            text = texts.informative(self.category(facts), self.thing(facts), rng)
        if facts.contacts:
            text = texts.with_contacts(text, rng)
        if facts.root != index:
            text = texts.altered(text, self.rng(index, REPOST_TEXT))
        return text

    def photo(self, index: int) -> bytes | None:
        """The listing's JPEG; None for a listing without a photo or with a broken one."""
        if self.facts[index].photo in ("none", "broken"):
            return None
        return self.drawn(index)

    def drawn(self, index: int) -> bytes:
        """The JPEG that the listing has, or would have if its photo were not broken or missing."""
        facts = self.facts[index]
        rng = self.rng(facts.root, PHOTO)
        if facts.photo == "dull":
            glyph = texts.pick(NEUTRAL_GLYPHS, rng) if rng.random() < 0.6 else None
        else:
            glyph = self.thing(facts).glyph
        photo = photos.draw(glyph, self.params.photo_size, rng)
        if facts.root != index:
            rng = self.rng(index, REPOST_PHOTO)
            photo = photos.altered(photo, rng)
        return photos.encode(photo, rng)

    def truth(self) -> pd.DataFrame:
        """One row per listing: everything that the pages do not say, for judging the judges.

        `photo_informative` and `text_informative` tell which input gives the true category away;
        `group` is the id of the first of a row of reposts, the listing's own id otherwise;
        `listed` is the UTC date as YYYY-MM-DD.
        """
        rows = []
        for facts in self.facts:
            rows.append(
                {
                    "id": facts.id,
                    "listed": facts.listed.date().isoformat(),
                    "category": CATEGORIES[facts.category].name,
                    "category_shown": CATEGORIES[facts.shown].name,
                    "wrong_label": facts.shown != facts.category,
                    "photo": facts.photo,
                    "text": facts.text,
                    "photo_informative": facts.photo == "informative",
                    "text_informative": facts.text == "informative",
                    "repost_of": listing_id(facts.root) if facts.root != facts.index else None,
                    "group": listing_id(facts.root),
                    "contacts": list(self.text(facts.index).contacts),
                }
            )
        return pd.DataFrame(rows)

    def rng(self, index: int, stream: int) -> np.random.Generator:
        """A listing's own randomness for one purpose."""
        return np.random.default_rng([self.seed, index, stream])

    def _facts(self, index: int) -> Facts:
        params = self.params
        root = self._root(index)
        rng = np.random.default_rng([self.seed, root])
        rng.random(2)  # spent by _root
        category = shown = int(rng.choice(len(CATEGORIES), p=_SHARES))
        # A category's first things are most of what it sells, as on a real marketplace.
        popular = 1 / np.arange(1, len(CATEGORIES[category].things) + 1) ** 2.5
        thing = int(rng.choice(len(popular), p=popular / popular.sum()))
        other = int(rng.integers(1, len(CATEGORIES)))
        if rng.random() < params.wrong_label:
            shown = (category + other) % len(CATEGORIES)
        text = _kind(rng.random(), none=params.no_text, dull=params.dull_text)
        photo = _kind(
            rng.random(), none=params.no_photo, dull=params.dull_photo, broken=params.broken_photo
        )
        if text == "none" and photo in ("none", "broken"):
            photo = "informative"  # a listing with neither would not be one
        price = CATEGORIES[category].things[thing].price * float(np.exp(rng.normal(0, 0.6)))
        contacts = text != "none" and rng.random() < params.contacts
        # A third sells through shops that have many listings.
        seller = root if rng.random() < 0.65 else root // 200 * 200 + int(rng.integers(40)) - 10**6
        priced = rng.random() >= params.no_price
        if root != index:
            price *= np.random.default_rng([self.seed, index]).uniform(0.85, 1.0)
        return Facts(
            index, root, category, shown, thing, text, photo,
            _round(price) if priced else None,
            blake2b(f"{self.seed}/{seller}".encode(), digest_size=16).hexdigest(),
            contacts,
        )  # fmt: skip

    def _root(self, index: int) -> int:
        while index > 0:
            repost, earlier = np.random.default_rng([self.seed, index]).random(2)
            if repost >= self.params.repost:
                break
            index = int(earlier * index)
        return index


def _kind(draw: float, **shares: float) -> str:
    for kind, share in shares.items():
        if draw < share:
            return kind
        draw -= share
    return "informative"


def _round(price: float) -> int:
    step = 10 if price < 500 else 50 if price < 5000 else 500
    return max(step, int(price / step) * step)
