"""Near-duplicate groups of a table in parts, equal to those of `group_near_duplicates`.

Each rule needs only listings with a key in common: a seller, a file, a photo, a component of texts.
So listings are brought together by key, and each part is given to the rule as it is on one machine.
What has no key, similar texts and similar photos, is found in `texts` and `photos`.
"""

from __future__ import annotations

from math import ceil

import numpy as np
import pandas as pd

from src.core.cluster import ray_session
from src.prepare.duplicates import (
    SELLER_TEXT_SIMILARITY,
    DuplicateGroups,
    codes_of,
    nameless_photos,
    own_photos,
    same_file,
    same_seller,
)
from src.prepare.links import Pairs
from src.prepare.on_ray.parts import TableParts, by_key, done, over, put, together, whole_of
from src.prepare.on_ray.photos import find_crowded, link_photos
from src.prepare.on_ray.propagation import smallest_of_component
from src.prepare.on_ray.texts import link_texts
from src.prepare.texts import alike_of_seller, read_texts, sets_of_grams

# Listings in a part, which take some 0.7 GB in a task; and so many parts that a pair of them still
# has rows worth sending.
PART, MAX_PARTS = 50_000, 500
RULES = ("same file", "photo", "text", "seller")
# What the rules of a file and of a seller read.
_FILED = ("row", "sha256", "seller", "category")
_SOLD = ("row", "title", "text", "category", "seller", "phash", "crowded")


def group_on_ray(
    table: pd.DataFrame, index: pd.DataFrame, text_similarity: float, photo_bits: int
) -> DuplicateGroups:
    """Do as `group_near_duplicates`, on Ray.

    Raises:
        UserError: Ray is not installed, or no cluster answers.
    """
    listings = pd.DataFrame(
        {name: table[name].to_numpy() for name in ("id", "title", "text", "category", "seller")}
        | {name: index[name].to_numpy() for name in ("sha256", "phash")}
    )
    listings["sha256"] = listings["sha256"].mask(index["row"].to_numpy() < 0)
    listings["row"] = np.arange(len(table))
    with ray_session():
        starts = range(0, len(table), PART)
        # Without a name: they are given up as soon as they are in other parts.
        named, links = group_parts(
            put(listings.iloc[start : start + PART] for start in starts),
            len(table),
            text_similarity,
            photo_bits,
        )
        group = whole_of(named).sort_values("row")["group"]
    return DuplicateGroups(group.set_axis(table.index), links)


def group_parts(
    listings: TableParts, size: int, text_similarity: float, photo_bits: int
) -> tuple[TableParts, dict[str, int]]:
    """Group the listings of a table in parts.

    Args:
        listings: `row`, the number of each; `id`, `title`, `text`, `category`, `seller`; `sha256`
            and `phash` of the photo, missing where there is none.
        size: how many, in all.

    Returns:
        `row`, `id`, `group`, and links by rule as in DuplicateGroups.
    """
    listings = done(by_key(listings, "row", count=min(MAX_PARTS, max(1, ceil(size / PART)))))
    near, crowded = find_crowded(listings, size, photo_bits)
    listings = done(over(_with_crowded, listings, by_key(crowded, "row", ["row", "crowded"])))
    of_seller = min(text_similarity, SELLER_TEXT_SIMILARITY)
    # One rule after the other: what they are made of would not fit on a disk all at once.
    found = together(
        done(over(_same_file, by_key(listings, "sha256", _FILED))),
        done(over(_of_rule, link_photos(listings, near, crowded), rule="photo")),
        done(over(_nameless, by_key(over(_crowded_and_nameless, listings), "code"))),
        done(over(_of_rule, link_texts(listings, text_similarity), rule="text")),
        done(over(_of_seller, by_key(listings, "seller", _SOLD), least=of_seller, bits=photo_bits)),
    )
    # The graphs of all rules side by side: a row is one node for each.
    by_rule = smallest_of_component(over(_nodes, found))
    links = whole_of(over(_counted, by_rule)).sum()
    labels = by_key(smallest_of_component(over(_rows, by_rule)), "row")
    labelled = over(_labelled, listings, labels)
    named = over(_named, by_key(labelled, "label"))
    return named, {rule: int(links[rule]) for rule in RULES}


def _with_crowded(listings: pd.DataFrame, crowded: pd.DataFrame) -> pd.DataFrame:
    marked = crowded.loc[crowded["crowded"], "row"]
    return listings.assign(crowded=listings["row"].isin(marked))


def _links(pairs: Pairs, listings: pd.DataFrame, rule: str) -> pd.DataFrame:
    one, other = listings["row"].to_numpy()[pairs].T
    return _of_rule(pd.DataFrame({"one": one, "other": other}), rule)


def _of_rule(links: pd.DataFrame, rule: str) -> pd.DataFrame:
    return links.assign(rule=RULES.index(rule))


def _same_file(listings: pd.DataFrame) -> pd.DataFrame:
    return _links(same_file(listings["sha256"], listings), listings, "same file")


def _of_seller(listings: pd.DataFrame, least: float, bits: int) -> pd.DataFrame:
    texts, seller = read_texts(listings), pd.factorize(listings["seller"])[0]
    alike = alike_of_seller(texts, sets_of_grams(texts), seller, least)
    held = _with_code(listings)
    return pd.concat(
        [
            _links(same_seller(listings), listings, "seller"),
            _links(alike, listings, "text"),
            _links(own_photos(held, bits), listings, "photo"),
        ]
    )


def _with_code(listings: pd.DataFrame) -> pd.DataFrame:
    held = listings[listings["phash"].notna()]
    return held.assign(code=codes_of(held["phash"]))


def _crowded_and_nameless(listings: pd.DataFrame) -> pd.DataFrame:
    return _with_code(listings[listings["crowded"] & listings["seller"].isna()])


def _nameless(held: pd.DataFrame) -> pd.DataFrame:
    return _links(nameless_photos(held, read_texts(held)), held, "photo")


def _nodes(links: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({end: links[end] * len(RULES) + links["rule"] for end in ("one", "other")})


def _counted(by_rule: pd.DataFrame) -> pd.DataFrame:
    linked = by_rule.loc[by_rule["row"] != by_rule["label"], "row"]
    counts = np.bincount(linked % len(RULES), minlength=len(RULES))
    return pd.DataFrame([counts], columns=RULES)


def _rows(by_rule: pd.DataFrame) -> pd.DataFrame:
    ends = by_rule // len(RULES)
    return ends.set_axis(["one", "other"], axis=1)


def _labelled(listings: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    itself = pd.DataFrame({"row": listings["row"], "label": listings["row"]})
    smallest = pd.concat([itself, labels]).groupby("row", as_index=False)["label"].min()
    return listings[["row", "id"]].merge(smallest, on="row")


def _named(labelled: pd.DataFrame) -> pd.DataFrame:
    return labelled.assign(group=labelled.groupby("label")["id"].transform("min"))
