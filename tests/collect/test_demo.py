"""The demo market is repeatable, with its defects at the rates of params.yaml."""

from __future__ import annotations

import io
import re
from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from imagehash import phash
from PIL import Image, ImageOps

from src.cleaning.redact import redact
from src.collect.demo.catalog import CATEGORIES
from src.collect.demo.market import Market


@pytest.fixture(scope="module")
def market(large_market: Market) -> Market:
    """A small market of small photos, some more of them broken."""
    return changed(large_market, listings=150, photo_size=64, broken_photo=0.05)


def changed(market: Market, **settings: float) -> Market:
    """Return the market with other settings."""
    return Market(market.settings.model_copy(update=settings), market.seed)


def test_any_listing_alone_has_the_same_bytes(market: Market) -> None:
    again = Market(market.settings, market.seed)
    for index in (149, 3, 70, 71, 0):
        assert again.text(index) == market.text(index)
        assert again.photo(index) == market.photo(index)
        assert again.facts[index] == market.facts[index]


def test_listings_do_not_depend_on_how_many_there_are(market: Market) -> None:
    longer = changed(market, listings=300)
    assert longer.facts[:150] == market.facts
    assert longer.text(149) == market.text(149)
    assert longer.facts[149].listed == market.facts[149].listed < market.now < longer.now


def test_another_seed_gives_another_market(market: Market) -> None:
    assert Market(market.settings, 8).text(0) != market.text(0)


def test_defects_occur_at_their_rates(large_market: Market) -> None:
    truth, rates = large_market.truth(), large_market.settings
    facts = large_market.facts
    measured = {
        "no_photo": (truth["photo"] == "none").mean(),
        "dull_photo": (truth["photo"] == "dull").mean(),
        "broken_photo": (truth["photo"] == "broken").mean(),
        "dull_text": (truth["text"] == "dull").mean(),
        "no_text": (truth["text"] == "none").mean(),
        "no_price": np.mean([listing.price is None for listing in facts]),
        "repost": truth["repost_of"].notna().mean(),
        "wrong_label": truth["wrong_label"].mean(),
        "contacts": (truth["contacts"].map(len) > 0).mean() / (1 - rates.no_text),
    }
    for name, rate in measured.items():
        assert rate == pytest.approx(getattr(rates, name), abs=0.025), name


def test_categories_are_unbalanced_as_the_catalog_says(large_market: Market) -> None:
    assert len(CATEGORIES) == 17
    assert sum(category.share for category in CATEGORIES) == pytest.approx(1)
    shown = Counter(facts.category for facts in large_market.facts)
    for number, category in enumerate(CATEGORIES):
        assert shown[number] / 5000 == pytest.approx(category.share, abs=0.02)
        assert 5 <= len(category.things) <= 10


def test_each_glyph_belongs_to_one_category() -> None:
    glyphs = [thing.glyph for category in CATEGORIES for thing in category.things]
    assert len(set(glyphs)) == len(glyphs)


def test_brands_are_shared_between_categories() -> None:
    of = {c.slug: " ".join(make for thing in c.things for make in thing.makes) for c in CATEGORIES}
    for brand in ("Samsung", "Sony", "IKEA", "Nike", "Bosch"):
        assert sum(brand in makes for makes in of.values()) >= 3, brand


def test_every_slot_of_every_phrase_can_be_filled(large_market: Market) -> None:
    for index in range(0, 5000, 2):
        text = large_market.text(index)
        assert not re.search(r"[{}|]", text.title + text.body)


def test_unrelated_texts_differ_and_reposts_do_not(large_market: Market) -> None:
    facts = large_market.facts[:1500]
    grams = [_grams(large_market, listing.index) for listing in facts]
    near = [
        _jaccard(grams[a.index], grams[b.index])
        for a, b in combinations(facts, 2)
        if a.root != b.root and len(grams[a.index] & grams[b.index]) > 5
    ]
    assert max(near) < 0.5
    again = [
        _jaccard(grams[listing.index], grams[listing.root])
        for listing in facts
        if listing.root != listing.index and grams[listing.index]
    ]
    assert np.median(again) > 0.75
    assert np.mean(np.array(again) > 0.7) > 0.85


def test_unrelated_photos_differ_and_reposts_do_not(large_market: Market) -> None:
    market = changed(large_market, photo_size=160, repost=0.3, broken_photo=0)
    shown = [listing for listing in market.facts[:250] if listing.photo != "none"]
    hashes = {listing.index: _phash(market, listing.index) for listing in shown}
    bits: dict[bool, list[int]] = {True: [], False: []}
    for a, b in combinations(shown, 2):
        bits[a.root == b.root].append(hashes[a.index] - hashes[b.index])
    assert np.mean(np.array(bits[True]) <= 6) > 0.75
    assert np.mean(np.array(bits[False]) <= 6) < 1e-3


def test_reposts_come_from_the_same_seller_and_category(large_market: Market) -> None:
    facts = large_market.facts
    for listing in facts:
        root = facts[listing.root]
        assert (listing.seller, listing.category) == (root.seller, root.category)
        assert root.root == root.index <= listing.index


def test_photos_can_be_read_and_lost_ones_are_missing(market: Market) -> None:
    for listing in market.facts:
        photo = market.photo(listing.index)
        assert (photo is None) == (listing.photo in ("none", "broken"))
        if photo is not None:
            Image.open(io.BytesIO(photo)).load()


def test_some_photos_are_stored_rotated(large_market: Market) -> None:
    market = changed(large_market, photo_size=48, broken_photo=0)
    photos = [photo for i in range(150) if (photo := market.photo(i))]
    tags = Counter(Image.open(io.BytesIO(photo)).getexif().get(0x0112) for photo in photos)
    assert set(tags) > {None} and tags[None] > 0.8 * len(photos)


def test_planted_contacts_are_in_the_text_and_can_be_redacted(large_market: Market) -> None:
    planted = 0
    for listing in large_market.facts:
        text = large_market.text(listing.index)
        for contact in text.contacts:
            planted += 1
            assert contact in text.body
            assert contact not in redact(text.body)
    assert planted > 500


def test_no_listing_lacks_both_text_and_photo(large_market: Market) -> None:
    assert not any(f.text == "none" and f.photo in ("none", "broken") for f in large_market.facts)


def _grams(market: Market, index: int) -> set[tuple[str, ...]]:
    text = market.text(index)
    words = re.findall(r"\w+", f"{text.title} {text.body}".lower())
    return set(zip(words, words[1:], words[2:], strict=False))


def _jaccard(a: set[tuple[str, ...]], b: set[tuple[str, ...]]) -> float:
    return len(a & b) / len(a | b)


def _phash(market: Market, index: int) -> Any:
    photo = Image.open(io.BytesIO(market.photo(index) or b""))
    return phash(ImageOps.exif_transpose(photo))
