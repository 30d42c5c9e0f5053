"""Groups for a split by seller: all listings of a seller, with their near-duplicates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from src.core.errors import UserError
from src.core.listings import SPLITS
from src.prepare.links import components, to_first

# A category can be in every split only if at least so many sellers have it.
MIN_SELLERS = len(SPLITS)
# The largest share of listings that one group may have.
MAX_SHARE = 0.5


def few_sellers(table: pd.DataFrame) -> pd.Series:
    """Return the categories of fewer than MIN_SELLERS sellers, with their numbers of listings.

    Args:
        table: `category`, `seller`; a listing with no known seller has one of its own.
    """
    by_category = table.groupby("category")["seller"]
    sellers = by_category.nunique() + by_category.apply(lambda own: own.isna().sum())
    return by_category.size()[sellers < MIN_SELLERS]


def with_sellers(table: pd.DataFrame, group: pd.Series) -> pd.Series:
    """Join groups of near-duplicates that have a seller in common; return the groups, [N].

    The name of a group is its smallest id. A listing with no known seller stays in its group.

    Args:
        table: `id`, `seller`.
        group: of near-duplicates, [N].

    Raises:
        UserError: no seller is known, or a group has more than MAX_SHARE of the listings.
    """
    if table["seller"].isna().all():
        raise UserError(
            f"prepare.group_by is seller, but none of {len(table)} listings has one; name its "
            "column in collect.table.columns.seller, or set prepare.group_by to near_duplicates"
        )
    size = len(table)
    keys = (pd.Series(column.to_numpy(dtype=object)) for column in (group, table["seller"]))
    pairs = np.concatenate([to_first(key) for key in keys])
    found = table["id"].groupby(components(pairs, size)[1]).transform("min").rename("group")
    largest = found.value_counts().head(1)
    share = int(largest.iloc[0]) / size
    if share > MAX_SHARE:
        raise UserError(
            f"prepare.group_by is seller, but one seller, or several with near-duplicates in "
            f"common, has {share:.0%} of the listings, such as {largest.index[0]}; expected at "
            f"most {MAX_SHARE:.0%}: collect listings of more sellers, or set prepare.group_by to "
            "near_duplicates"
        )
    return found
