"""Train, val and test: whole groups, the same for the same seed, or as the table gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.errors import UserError
from src.listings import PARTS, splits
from src.prepare.deal import at_random, by_date, in_folds

KINDS = ("random", "time", "folds")


class Split(NamedTuple):
    """Columns of the prepared table, [N] each, and how they came about.

    `part` is missing for a listing to set aside; `fold` is -1 without cross-validation; `kind` is
    one of KINDS, or "given by the table".
    """

    part: pd.Series
    fold: pd.Series
    kind: str


def split(table: pd.DataFrame, group: pd.Series, options: Mapping[str, Any], seed: int) -> Split:
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
    if table["part"].notna().any():
        part = _given(table, group, options["crossing"])
        return Split(part, none, "given by the table")
    if group.nunique() < len(PARTS):
        raise UserError(
            f"{group.nunique()} groups of near-duplicates cannot fill {len(PARTS)} parts; "
            "collect more listings"
        )
    if kind == "folds":
        fold = in_folds(table["category"], group, options["folds"], seed)
        return Split(splits(table.assign(fold=fold))[0], fold, kind)
    if kind == "time":
        part = by_date(table, group, shares)
    else:
        part = at_random(table["category"], group, shares, seed)
    return Split(part.astype("str").rename("part"), none, kind)


def _given(table: pd.DataFrame, group: pd.Series, crossing: str) -> pd.Series:
    part = table["part"]
    if part.isna().any():
        raise UserError(
            f"the column part is empty for {part.isna().sum()} of {len(table)} listings, the first "
            f"of them {table['id'][part.isna()].iloc[0]}; fill it for all or for none"
        )
    missing = sorted(set(PARTS) - set(part))
    if missing:
        raise UserError(f"no listing has part {' or '.join(missing)}; give all of {PARTS}")
    order = part.map({name: rank for rank, name in enumerate(PARTS)})
    latest = order.groupby(group.to_numpy()).transform("max")
    early = (order < latest).to_numpy()
    if early.any() and crossing == "refuse":
        raise UserError(
            f"near-duplicates cross the given parts: {early.sum()} listings have a twin in a later "
            f"part ({_examples(table, group, early)}); put each pair into one part, or set "
            "prepare.crossing to drop, which removes the earlier part's listing"
        )
    return part.mask(early)


def _examples(
    table: pd.DataFrame, group: pd.Series, early: NDArray[np.bool_], most: int = 5
) -> str:
    """Pairs "id (train) and id (test)", one for each of the first groups that cross."""
    pairs = []
    for name in group[early].drop_duplicates().iloc[:most]:
        own = table.loc[(group == name).to_numpy()].sort_values("id")
        rank = own["part"].map(PARTS.index)
        first, last = own.loc[rank.idxmin()], own.loc[rank.idxmax()]
        pairs.append(f"{first['id']} ({first['part']}) and {last['id']} ({last['part']})")
    return ", ".join(pairs)


def _shares(parts: Mapping[str, float]) -> NDArray[np.float64]:
    if set(parts) != set(PARTS):
        raise UserError(f"prepare.parts has {sorted(parts)}; give a share to each of {PARTS}")
    shares = np.array([float(parts[name]) for name in PARTS])
    if (shares <= 0).any() or not np.isclose(shares.sum(), 1, atol=1e-6):
        raise UserError(f"prepare.parts are {dict(parts)}; give positive shares that add up to 1")
    return shares
