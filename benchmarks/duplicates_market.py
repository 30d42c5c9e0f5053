"""Any number of listings with known near-duplicates: texts, hashes of photos, sellers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Rng = np.random.Generator

CATEGORIES = 17
# Shares of all listings: reposts with a few words changed, and shops' templates filled in again;
# and of listings with a photo, one of a few placeholders.
REPOSTS, SHOPS, PLACEHOLDERS = 0.06, 0.10, 0.02
# Shares of changed words in a repost, and in a template.
REPOST_CHANGES, SHOP_CHANGES = 0.03, 0.12
_SYLLABLES = [a + b for a in "бвгдзклмнпрстч" for b in "аеиоуыя"]


class Market(NamedTuple):
    """`table` and `index` as the near-duplicate search reads them, and the true pairs, [P, 2]."""

    table: pd.DataFrame
    index: pd.DataFrame
    planted: NDArray[np.int64]


def made_market(listings: int, seed: int = 7) -> Market:
    """Make up a marketplace; the same seed gives the same listings.

    Words follow Zipf's law, a third of them specific to the category; every text also has some
    stock phrases. The lengths are those of real ads (median 44 words, few very long). Shops post a
    template again and again with an eighth of its words changed; the largest shop has a fifth of
    all such listings. Planted pairs are a repost and its original; shops' listings do not count.
    """
    rng = np.random.default_rng(seed)
    category = rng.choice(CATEGORIES, listings, p=_falling(CATEGORIES, 0.8))
    texts = _texts(category, rng)
    seller = np.where(rng.random(listings) < 0.6, rng.integers(listings // 2, size=listings), -1)
    _post_templates(texts, seller, rng)
    code, file = _photos(listings, rng), np.arange(listings)
    planted = _repost(texts, category, code, file, rng)
    ids = pd.Series([f"m{number:07}" for number in range(listings)], dtype="str")
    table = pd.DataFrame(
        {
            "id": ids,
            "title": pd.array([" ".join(words[:4]) for words in texts], dtype="str"),
            "text": pd.array([" ".join(words[4:]) for words in texts], dtype="str"),
            "category": pd.array([f"category {number}" for number in category], dtype="str"),
            "price": rng.lognormal(7, 1.5, listings).round(),
            "seller": pd.array([f"s{name}" if name >= 0 else None for name in seller], dtype="str"),
            "split": pd.array([None] * listings, dtype="str"),
        }
    )
    has = (code != 0).tolist()
    hashes = [f"{one:016x}" if there else None for one, there in zip(code, has, strict=True)]
    names = [f"{one:064x}" if there else None for one, there in zip(file, has, strict=True)]
    index = pd.DataFrame(
        {
            "id": ids,
            "row": np.where(has, file, -1),
            "sha256": pd.array(names, dtype="str"),
            "phash": pd.array(hashes, dtype="str"),
        }
    )
    return Market(table, index, planted)


def _texts(category: NDArray[np.int64], rng: Rng) -> list[list[str]]:
    """Return the words of title and text, the title first."""
    common, own = _words(30_000, rng), [_words(6000, rng) for _ in range(CATEGORIES)]
    stock = [list(rng.choice(common[:2000], rng.integers(3, 9))) for _ in range(400)]
    lengths = np.clip(rng.lognormal(np.log(34), 0.75, len(category)), 4, 600).astype(int)
    zipf_common, zipf_own = _falling(len(common), 1.0).cumsum(), _falling(6000, 0.9).cumsum()
    zipf_stock = _falling(len(stock), 0.8).cumsum()
    texts = []
    for kind, length in zip(category, lengths, strict=True):
        of_all = common[np.searchsorted(zipf_common, rng.random(length)).clip(max=29_999)]
        of_kind = own[kind][np.searchsorted(zipf_own, rng.random(length)).clip(max=5999)]
        words = np.where(rng.random(length) < 0.35, of_kind, of_all)
        number = rng.random(length) < 0.05
        words[number] = rng.integers(3000, size=number.sum()).astype(str)
        text: list[str] = words.tolist()
        for phrase in np.searchsorted(zipf_stock, rng.random(rng.poisson(1.2))).clip(max=399):
            text += stock[phrase]
        texts.append(text)
    return texts


def _post_templates(texts: list[list[str]], seller: NDArray[np.int64], rng: Rng) -> None:
    rows = np.flatnonzero(rng.random(len(texts)) < SHOPS)
    shops = np.searchsorted(_falling(40, 1.0).cumsum(), rng.random(len(rows))).clip(max=39)
    templates = {shop: (texts[rows[shops == shop][0]] * 20)[:60] for shop in np.unique(shops)}
    for row, shop in zip(rows, shops, strict=True):
        texts[row] = _changed(templates[shop], SHOP_CHANGES, texts, rng)
        seller[row] = len(texts) + shop


def _photos(listings: int, rng: Rng) -> NDArray[np.uint64]:
    """Return perceptual hashes, 0 without a photo, [N]."""
    code = rng.integers(1, 2**64, listings, dtype=np.uint64)
    placed = rng.random(listings) < PLACEHOLDERS
    code[placed] = rng.choice(rng.integers(1, 2**64, 5, dtype=np.uint64), placed.sum())
    code[placed] ^= _flips(int(placed.sum()), 2, rng)
    code[rng.random(listings) < 0.2] = 0
    return code


def _repost(
    texts: list[list[str]],
    category: NDArray[np.int64],
    code: NDArray[np.uint64],
    file: NDArray[np.int64],
    rng: Rng,
) -> NDArray[np.int64]:
    """Make some listings reposts of others, in place; return the pairs."""
    order = rng.permutation(len(texts))
    count = int(REPOSTS * len(texts))
    first, again = order[:count], order[count : 2 * count]
    for one, other in zip(first, again, strict=True):
        texts[other] = _changed(texts[one], REPOST_CHANGES, texts, rng)
    category[again] = category[first]
    code[again] = np.where(code[first] > 0, code[first] ^ _flips(count, 6, rng), 0)
    same = rng.random(count) < 0.2
    code[again[same]], file[again[same]] = code[first[same]], file[first[same]]
    return np.stack([first, again], axis=1)


def _changed(words: list[str], share: float, texts: list[list[str]], rng: Rng) -> list[str]:
    """Return the words with some replaced by words of other listings."""
    changed = list(words)
    for place in np.flatnonzero(rng.random(len(words)) < share):
        text = texts[int(rng.integers(len(texts)))]
        changed[place] = text[int(rng.integers(len(text)))]
    return changed


def _flips(count: int, most: int, rng: Rng) -> NDArray[np.uint64]:
    """Return masks of 0 to `most` random bits, [count]."""
    mask = np.zeros(count, np.uint64)
    flips = rng.integers(0, most + 1, count)
    for number in range(most):
        bit = np.uint64(1) << rng.integers(64, size=count, dtype=np.uint64)
        mask ^= np.where(number < flips, bit, np.uint64(0))
    return mask


def _falling(count: int, exponent: float) -> NDArray[np.float64]:
    """Return shares by Zipf's law, [count]."""
    shares = 1 / np.arange(1, count + 1) ** exponent
    result: NDArray[np.float64] = shares / shares.sum()
    return result


def _words(count: int, rng: Rng) -> NDArray[np.object_]:
    syllables = rng.integers(len(_SYLLABLES), size=(2 * count, 4))
    lengths = rng.integers(1, 5, 2 * count)
    made = (
        "".join(_SYLLABLES[s] for s in own[:n]) for own, n in zip(syllables, lengths, strict=True)
    )
    return np.array(list(dict.fromkeys(made))[:count], dtype=object)
