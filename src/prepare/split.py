"""Train, val and test: whole groups, every category in every part, the same for the same seed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from src.errors import UserError
from src.listings import PARTS


def split(
    table: pd.DataFrame,
    group: pd.Series,
    parts: Mapping[str, float],
    seed: int,
    crossing: str = "refuse",
) -> pd.Series:
    """Give every listing its part; near-duplicates (equal `group`) never lie in two.

    Groups go by their most frequent category, the largest first, each to the part that lacks most
    listings of that category. A category with at least as many groups as there are parts is in
    every part. (StratifiedGroupKFold makes equal folds only, and leaves rare categories out of
    some.) The result depends on ids, groups and categories alone, not on the order of the rows.

    Where the table fixes the parts itself they are kept; a group that crosses them raises
    UserError with the ids, or with `crossing="drop"` keeps only its listings of the latest part
    and gives the others a missing part.

    Args:
        parts: the share of each part; positive, together 1.

    Raises:
        UserError: shares that are none, fewer groups than parts, parts given for some rows only,
            groups that cross given parts.
    """
    shares = _shares(parts)
    if table["part"].notna().any():
        return _given(table, group, crossing)
    if group.nunique() < len(PARTS):
        raise UserError(
            f"{group.nunique()} groups of near-duplicates cannot fill {len(PARTS)} parts; "
            "collect more listings"
        )
    part_of = _deal(table["category"], group, shares, np.random.default_rng(seed))
    return group.map(part_of).astype("str").rename("part")


def _deal(
    category: pd.Series, group: pd.Series, shares: np.ndarray, rng: np.random.Generator
) -> dict[str, str]:
    counts = pd.crosstab(group.to_numpy(dtype=object), category.to_numpy(dtype=object))
    sizes = counts.sum(axis=1).to_numpy()
    names = counts.index.to_numpy(dtype=object)
    main = counts.to_numpy().argmax(axis=1)
    filled_in_all = np.zeros(len(PARTS))
    part_of: dict[str, str] = {}
    for code in range(counts.shape[1]):
        own = rng.permutation(np.flatnonzero(main == code))
        own = own[np.argsort(-sizes[own], kind="stable")]
        target = shares * sizes[own].sum()
        filled = np.zeros(len(PARTS))
        for left, row in zip(range(len(own), 0, -1), own, strict=True):
            open_parts = np.arange(len(PARTS))
            # The last groups are kept for parts that would stay without this category.
            if left <= (filled == 0).sum() <= len(own):
                open_parts = np.flatnonzero(filled == 0)
            # Fractions are settled for the part that is behind over all categories.
            behind = filled_in_all / shares
            lack = np.ceil(target - filled - 1e-9)
            best = min(open_parts, key=lambda part: (-lack[part], behind[part], part))
            filled[best] += sizes[row]
            filled_in_all[best] += sizes[row]
            part_of[names[row]] = PARTS[best]
    return part_of


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


def _examples(table: pd.DataFrame, group: pd.Series, early: np.ndarray, most: int = 5) -> str:
    """Pairs "id (train) and id (test)", one for each of the first groups that cross."""
    pairs = []
    for name in group[early].drop_duplicates().iloc[:most]:
        own = table.loc[(group == name).to_numpy()].sort_values("id")
        rank = own["part"].map(PARTS.index)
        first, last = own.loc[rank.idxmin()], own.loc[rank.idxmax()]
        pairs.append(f"{first['id']} ({first['part']}) and {last['id']} ({last['part']})")
    return ", ".join(pairs)


def _shares(parts: Mapping[str, float]) -> np.ndarray:
    if set(parts) != set(PARTS):
        raise UserError(f"prepare.parts has {sorted(parts)}; give a share to each of {PARTS}")
    shares = np.array([float(parts[name]) for name in PARTS])
    if (shares <= 0).any() or not np.isclose(shares.sum(), 1, atol=1e-6):
        raise UserError(f"prepare.parts are {dict(parts)}; give positive shares that add up to 1")
    return shares
