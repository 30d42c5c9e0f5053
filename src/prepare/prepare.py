"""From raw listings and the index of their photos to the table that every model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from src.cleaning.redact import EMAIL, LINK, NAME, PHONE
from src.cleaning.text import with_words
from src.core.errors import UserError
from src.core.listings import SPLITS, pairs_within
from src.core.rounds import cv_rounds
from src.core.schema import Prepare
from src.prepare.corrections import NEITHER, Correction, correct, corrections_said
from src.prepare.duplicates import DuplicateGroups, group_near_duplicates
from src.prepare.on_ray.groups import group_on_ray
from src.prepare.overlap import SplitParts, measure_overlap
from src.prepare.sellers import MIN_SELLERS, few_sellers, with_sellers
from src.prepare.split import GIVEN, assign_splits


class Prepared(NamedTuple):
    """The table (schema PREPARED), and notes of what was counted and left out."""

    table: pd.DataFrame
    notes: dict[str, Any]


def prepare(
    raw: pd.DataFrame,
    index: pd.DataFrame,
    settings: Prepare,
    seed: int,
    corrections: Sequence[Correction] = (),
) -> Prepared:
    """Clean the texts, group near-duplicates, split, and put labels right.

    The groups and the split are those of the labels as they were, so that a correction moves no
    other listing from one split to another.

    Args:
        raw: listings, schema RAW.
        index: the packed photos, schema INDEX, one row per listing of `raw` in any order.
        corrections: what people decided of listings; the latest decision on each counts. They are
            left out where labels are shuffled.

    Raises:
        UserError: an index of other listings, fewer than two categories, a category without
            training data, Ray is not installed, or what `assign_splits` raises.
    """
    raw = raw.sort_values("id", ignore_index=True)
    if set(raw["id"]) != set(index["id"]):
        raise UserError("the packed photos belong to other listings; run the pack stage again")
    index = index.set_index("id").loc[raw["id"]].reset_index()
    # Shuffled labels are nobody's: scores by those of before would mean nothing.
    right, of_corrections = correct(raw, () if settings.shuffle_labels else corrections)
    # What fits no category stays where it was until the others have their split.
    right_or_was = right.where(right != NEITHER, raw["category"])
    table = with_words(raw).assign(photo_row=index["row"], right=right)

    by_seller = settings.group_by == "seller"
    sizes = right[right != NEITHER].value_counts()
    rare = sizes[sizes < settings.min_per_category].sort_index()
    of_few = few_sellers(table).drop(rare.index, errors="ignore") if by_seller else rare[:0]
    enough = sizes.index.difference([*rare.index, *of_few.index])
    keep = right_or_was.isin(enough)
    table, index = table[keep].reset_index(drop=True), index[keep].reset_index(drop=True)
    right_or_was = right_or_was[keep].reset_index(drop=True)
    if len(enough) < 2:
        sold, also = "", ""
        if by_seller:
            sold = f" and {MIN_SELLERS} sellers"
            also = ", or set prepare.group_by to near_duplicates"
        raise UserError(
            f"the number of categories with at least {settings.min_per_category} listings{sold} is "
            f"{len(enough)}; expected at least 2: collect more listings or lower "
            f"prepare.min_per_category{also}"
        )

    find = group_on_ray if settings.engine == "ray" else group_near_duplicates
    groups = find(table, index, settings.text_similarity, settings.photo_bits)
    group = with_sellers(table, groups.group) if by_seller else groups.group
    of_one_kind = _few_groups(table.assign(category=right_or_was), group)
    spread = ~right_or_was.isin(of_one_kind.index)
    table, index, group = table[spread], index[spread], group[spread]
    split, fold, kind = assign_splits(table, group, settings, seed)
    notes: dict[str, Any] = {
        "collected": len(raw),
        "split": kind,
        "group_by": settings.group_by,
        "labels": "shuffled" if settings.shuffle_labels else "as collected",
        "set_aside": {
            "category_too_small": _by_category(rare),
            "category_of_few_sellers": _by_category(of_few),
            "category_of_few_groups": _by_category(of_one_kind),
            "duplicate_in_later_part": int(split.isna().sum()),
        },
        "duplicates": _duplicates(groups),
    }

    table = table.assign(split=split, fold=fold, group=group)[split.notna()]
    tested = set(table["id"][(table["split"] == "test") | (table["fold"] >= 0)])
    for name in ("changed", "set_aside"):
        of_corrections[f"{name}_in_test"] = len(tested & of_corrections[name].keys())
    fits = table["right"] != NEITHER
    notes["set_aside"]["fits_no_category"] = int((~fits).sum())
    notes["corrections"] = of_corrections | {"said": corrections_said(of_corrections)}
    table = table.assign(category=table["right"]).drop(columns="right")[fits]
    index = index.loc[table.index]
    _require_training_data(table, given=kind == GIVEN, by_seller=by_seller)
    notes |= _counts(table, index)
    notes["random_split"] = _random_split(table.assign(group=groups.group), seed)
    notes["overlap"] = _overlap(table, index, settings, seed)
    if settings.shuffle_labels:
        shuffled = np.random.default_rng([seed, 1]).permutation(len(table))
        table = table.assign(category=table["category"].to_numpy(dtype=object)[shuffled])
    return Prepared(table.reset_index(drop=True), notes)


def _few_groups(table: pd.DataFrame, group: pd.Series) -> pd.Series:
    """Return the categories that cannot be in every split, with their numbers of listings.

    All of their listings are near-duplicates of a few, as where a shop fills in one template. In
    splits that the table gives they are for the user to see to.
    """
    by_category = group.groupby(table["category"])
    few = by_category.size()[by_category.nunique() < len(SPLITS)]
    if len(few) > table["category"].nunique() - 2 or table["split"].notna().any():
        return few[:0]
    return few


def _require_training_data(table: pd.DataFrame, given: bool, by_seller: bool) -> None:
    move = "move some listings there, or remove these categories"
    collect = (
        "raise prepare.min_per_category, which leaves them out, or collect more of them; where all "
        "of them pass for near-duplicates, raise prepare.text_similarity"
    )
    if by_seller:
        collect += ", and where few sellers have them, set prepare.group_by to near_duplicates"
    for cv_round, split in enumerate(cv_rounds(table)):
        trained = set(table.loc[(split == "train").to_numpy(), "category"])
        unseen = sorted(set(table["category"]) - trained)
        if unseen:
            where = "train" if table["fold"].iloc[0] < 0 else f"train of round {cv_round}"
            raise UserError(
                f"{where} has no listing of {len(unseen)} of {table['category'].nunique()} "
                f"categories, such as {unseen[0]!r}; {move if given else collect}"
            )


def _counts(table: pd.DataFrame, index: pd.DataFrame) -> dict[str, Any]:
    by_split = pd.crosstab(table["category"], table["split"]).reindex(columns=SPLITS, fill_value=0)
    everything = table["title"] + " " + table["text"]
    without = (index["row"] < 0) & index["problem"].isna()
    return {
        "listings": len(table),
        "parts": {split: int(count) for split, count in by_split.sum().items()},
        "categories": {
            str(name): {split: int(counts[split]) for split in SPLITS}
            for name, counts in by_split.iterrows()
        },
        "photos": {
            "read": int((index["row"] >= 0).sum()),
            "none": int(without.sum()),
            "problems": {
                str(reason): int(count)
                for reason, count in index["problem"].value_counts().sort_index().items()
            },
        },
        "no_text": int((everything.str.strip() == "").sum()),
        "no_price": int(table["price"].isna().sum()),
        "contacts_hidden": {
            mark.strip("[]"): int(everything.str.contains(mark, regex=False).sum())
            for mark in (EMAIL, LINK, PHONE, NAME)
        },
    }


def _duplicates(groups: DuplicateGroups) -> dict[str, Any]:
    sizes = groups.group.value_counts()
    return {
        "groups": int((sizes > 1).sum()),
        "listings": int(sizes[sizes > 1].sum()),
        "largest": int(sizes.max()),
        "links": groups.links,
    }


def _by_category(counts: pd.Series) -> dict[str, int]:
    return {str(name): int(count) for name, count in counts.items()}


def _overlap(
    table: pd.DataFrame, index: pd.DataFrame, settings: Prepare, seed: int
) -> dict[str, dict[str, Any]]:
    """Measure what tested listings have in common with others, here and by a random split."""
    in_folds = bool(table["fold"].iloc[0] >= 0)
    part = table["fold"] if in_folds else (table["split"] == "test").astype(int)
    rng = np.random.default_rng([seed, 2])
    by_chance = part.groupby(table["category"]).transform(lambda own: rng.permutation(own))
    splits = {
        name: SplitParts(np.asarray(own, np.int64), np.asarray(own == 1) | in_folds)
        for name, own in (("random_split", by_chance), ("split", part))
    }
    return measure_overlap(
        table, index, splits, settings.text_similarity, settings.photo_bits, seed
    )


def _random_split(table: pd.DataFrame, seed: int) -> dict[str, int]:
    """Count what a stratified split by rows, of the same sizes, would have leaked.

    A pair is two listings of one group; it crosses if they are in different splits.
    """
    rng = np.random.default_rng([seed, 2])
    # Splits shuffled within each category: the same sizes, but groups are ignored.
    split = table.groupby("category")["split"].transform(
        lambda own: rng.permutation(own.to_numpy())
    )
    group = table["group"]
    pairs = pairs_within(group.value_counts())
    test = split == "test"
    learned_from = (~test).groupby(group).transform("any")
    return {
        "pairs": pairs,
        "pairs_crossing": pairs - pairs_within(split.groupby([group, split]).size()),
        "groups_crossing": int((split.groupby(group).nunique() > 1).sum()),
        "test_listings": int(test.sum()),
        "test_listings_with_twin_in_train_or_val": int((test & learned_from).sum()),
    }
