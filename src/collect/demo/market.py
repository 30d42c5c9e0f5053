"""The simulated marketplace: every listing follows from the seed and its index alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import blake2b

import numpy as np
import pandas as pd

from src.collect.demo import drawing, texts
from src.collect.demo.catalog import CATEGORIES, NEUTRAL_GLYPHS, Category, Thing
from src.collect.demo.dates import posted_at
from src.collect.demo.texts import ListingText
from src.core.schema import Demo

_SHARES = np.array([category.share for category in CATEGORIES])
_SHARES = _SHARES / _SHARES.sum()
_FIRST_ID = 4_000_000_000
# Random streams of one listing. Not 0: numpy seeds [seed, i, 0] and [seed, i] alike.
TEXT, PHOTO, REPOST_TEXT, REPOST_PHOTO, BAD_PHOTO = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class Facts:
    """What is true of a listing.

    Attributes:
        root: the index of the listing that this one repeats; its own if it repeats none.
        category: its true category; `shown`: the one that its page is in.
        text, photo: informative, dull, none, or (a photo) broken.
    """

    index: int
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
        """When it was posted, UTC."""
        return posted_at(self.index)


def listing_id(index: int) -> str:
    return str(_FIRST_ID + 37 * index)


class Market:
    """All listings of the demo, generated on demand: `facts[i]`, `text(i)`, `photo(i)`."""

    def __init__(self, settings: Demo, seed: int) -> None:
        self.settings, self.seed = settings, seed

    def __len__(self) -> int:
        return self.settings.listings

    @cached_property
    def facts(self) -> list[Facts]:
        return [self._facts(index) for index in range(len(self))]

    @property
    def now(self) -> datetime:
        """When the site is visited, UTC: an hour after its newest listing."""
        return posted_at(len(self) - 1) + timedelta(hours=1)

    def category(self, facts: Facts) -> Category:
        return CATEGORIES[facts.category]

    def thing(self, facts: Facts) -> Thing:
        return CATEGORIES[facts.category].things[facts.thing]

    def text(self, index: int) -> ListingText:
        """Return the listing's title and body; both empty for a listing without text."""
        facts = self.facts[index]
        rng = self.rng(facts.root, TEXT)
        if facts.text == "none":
            return ListingText("", "")
        if facts.text == "dull":
            text = texts.dull(rng)
        else:
            text = texts.informative(self.category(facts), self.thing(facts), rng)
        if facts.contacts:
            text = texts.with_contacts(text, rng)
        if facts.root != index:
            text = texts.altered_text(text, self.rng(index, REPOST_TEXT))
        return text

    def photo(self, index: int) -> bytes | None:
        """Return the listing's JPEG; None without a photo or with a broken one."""
        if self.facts[index].photo in ("none", "broken"):
            return None
        return self.drawn(index)

    def drawn(self, index: int) -> bytes:
        """Return the JPEG that the listing has, or would have if it were not missing or broken."""
        facts = self.facts[index]
        rng = self.rng(facts.root, PHOTO)
        if facts.photo == "dull":
            glyph = texts.pick(NEUTRAL_GLYPHS, rng) if rng.random() < 0.6 else None
        else:
            glyph = self.thing(facts).glyph
        photo = drawing.draw_photo(glyph, self.settings.photo_size, rng)
        if facts.root != index:
            rng = self.rng(index, REPOST_PHOTO)
            photo = drawing.altered_photo(photo, rng)
        return drawing.encode_jpeg(photo, rng)

    def truth(self) -> pd.DataFrame:
        """Return one row per listing with what its page does not say.

        `photo_informative` and `text_informative`: whether that input reveals the true category;
        `group`: the id of the first of a chain of reposts, otherwise the listing's own id;
        `listed`: the UTC date, YYYY-MM-DD.
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
        """Return a listing's own random generator for one purpose."""
        return np.random.default_rng([self.seed, index, stream])

    def _facts(self, index: int) -> Facts:
        rates = self.settings
        root = self._root(index)
        rng = np.random.default_rng([self.seed, root])
        rng.random(2)  # used by _root
        category = shown = int(rng.choice(len(CATEGORIES), p=_SHARES))
        # The first things of a category sell most often, as on a real marketplace.
        popular = 1 / np.arange(1, len(CATEGORIES[category].things) + 1) ** 2.5
        thing = int(rng.choice(len(popular), p=popular / popular.sum()))
        other = int(rng.integers(1, len(CATEGORIES)))
        if rng.random() < rates.wrong_label:
            shown = (category + other) % len(CATEGORIES)
        text = _kind(rng.random(), none=rates.no_text, dull=rates.dull_text)
        photo = _kind(
            rng.random(),
            none=rates.no_photo,
            dull=rates.dull_photo,
            broken=rates.broken_photo,
        )
        if text == "none" and photo in ("none", "broken"):
            photo = "informative"  # a listing has at least one of them
        price = CATEGORIES[category].things[thing].price * float(np.exp(rng.normal(0, 0.6)))
        contacts = text != "none" and rng.random() < rates.contacts
        # A third are sold by shops that have many listings.
        seller = root if rng.random() < 0.65 else root // 200 * 200 + int(rng.integers(40)) - 10**6
        priced = rng.random() >= rates.no_price
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
            if repost >= self.settings.repost:
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
