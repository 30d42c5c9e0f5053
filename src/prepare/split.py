"""Train, val and test: whole groups, the same for the same seed, or as the table gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.core.errors import UserError
from src.core.listings import SPLITS, cv_rounds
from src.prepare.deal import at_random, by_date, in_folds

KINDS = ("random", "time", "folds")


class Assigned(NamedTuple):
    """Columns of the prepared table, [N] each, and how they came about.

    `part` is missing for a listing to set aside; `fold` is -1 without cross-validation; `kind` is
    one of KINDS, or "given by the table".
    """

    split: pd.Series
    fold: pd.Series
    kind: str


def assign_splits(
    table: pd.DataFrame, group: pd.Series, options: Mapping[str, Any], seed: int
) -> Assigned:
    """Give every listing its part; near-duplicates (equal `group`) never lie in two.

    `options["split"]` says how: random (stratified by category), time (the oldest train, the
    newest test) or folds (cross-validation: see `listings.splits`; `part` is that of split 0).
    The result depends on ids, groups, categories and dates alone, not on the order of the rows.

    Where the table fixes the parts itself they are kept, whatever the options; a group that
    crosses them raises UserError with the ids, or with `crossing` drop keeps only its listings of
    the latest part and gives the others a missing part.

    Args:
        table: `id`, `category`, `part` (missing unless given) and, for time, `listed`.
        options: the section `prepare` of params.yaml: split, folds, parts, crossing.

    Raises:
        UserError: an unknown split or crossing, shares that are none, fewer groups than parts,
            parts given for some rows only, groups that cross given parts, or what the ways to
            deal raise.
    """
    kind, shares = options["split"], _shares(options["parts"])
    if kind not in KINDS:
        raise UserError(f"prepare.split is {kind!r}; give one of {', '.join(KINDS)}")
    if options["crossing"] not in ("refuse", "drop"):
        raise UserError(f"prepare.crossing is {options['crossing']!r}; give refuse or drop")
    none = pd.Series(-1, index=table.index)
    if table["split"].notna().any():
        split = _given(table, group, options["crossing"])
        return Assigned(split, none, "given by the table")
    if group.nunique() < len(SPLITS):
        raise UserError(
            f"{group.nunique()} groups of near-duplicates cannot fill {len(SPLITS)} parts; "
            "collect more listings"
        )
    if kind == "folds":
        fold = in_folds(table["category"], group, options["folds"], seed)
        return Assigned(cv_rounds(table.assign(fold=fold))[0], fold, kind)
    if kind == "time":
        split = by_date(table, group, shares)
    else:
        split = at_random(table["category"], group, shares, seed)
    return Assigned(split.astype("str").rename("split"), none, kind)


def _given(table: pd.DataFrame, group: pd.Series, crossing: str) -> pd.Series:
    split = table["split"]
    if split.isna().any():
        raise UserError(
            f"the column split is empty for {split.isna().sum()} of {len(table)} listings, "
            f"the first of them {table['id'][split.isna()].iloc[0]}; fill it for all or for none"
        )
    missing = sorted(set(SPLITS) - set(split))
    if missing:
        raise UserError(f"no listing has part {' or '.join(missing)}; give all of {SPLITS}")
    order = split.map({name: rank for rank, name in enumerate(SPLITS)})
    latest = order.groupby(group.to_numpy()).transform("max")
    early = (order < latest).to_numpy()
    if early.any() and crossing == "refuse":
        raise UserError(
            f"near-duplicates cross the given parts: {early.sum()} listings have a twin in a later "
            f"part ({_examples(table, group, early)}); put each pair into one part, or set "
            "prepare.crossing to drop, which removes the earlier part's listing"
        )
    return split.mask(early)


def _examples(
    table: pd.DataFrame, group: pd.Series, early: NDArray[np.bool_], most: int = 5
) -> str:
    """Pairs "id (train) and id (test)", one for each of the first groups that cross."""
    pairs = []
    for name in group[early].drop_duplicates().iloc[:most]:
        own = table.loc[(group == name).to_numpy()].sort_values("id")
        rank = own["split"].map(SPLITS.index)
        first, last = own.loc[rank.idxmin()], own.loc[rank.idxmax()]
        pairs.append(f"{first['id']} ({first['split']}) and {last['id']} ({last['split']})")
    return ", ".join(pairs)


def _shares(parts: Mapping[str, float]) -> NDArray[np.float64]:
    if set(parts) != set(SPLITS):
        raise UserError(f"prepare.parts has {sorted(parts)}; give a share to each of {SPLITS}")
    shares = np.array([float(parts[name]) for name in SPLITS])
    if (shares <= 0).any() or not np.isclose(shares.sum(), 1, atol=1e-6):
        raise UserError(f"prepare.parts are {dict(parts)}; give positive shares that add up to 1")
    return shares
