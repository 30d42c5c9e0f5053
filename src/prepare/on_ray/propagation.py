"""Connected components of links in parts, by the smallest label of the neighbours."""

from __future__ import annotations

import numpy as np
import pandas as pd

from src.prepare.links import components
from src.prepare.on_ray.parts import TableParts, by_key, over, whole_of


def smallest_of_component(links: TableParts) -> TableParts:
    """Return `row`, `label`: of each row with links, the smallest of all rows it is linked to.

    Rounds of large stars and small stars until every component is a star around its smallest row;
    a chain of n rows takes about log n. The links of a part are first put together by themselves.

    Args:
        links: `one`, `other`: two rows, in either order.

    After Kiveris et al., "Connected Components in MapReduce and Beyond" (2014).
    """
    links = over(stars, links)
    while True:
        ends = by_key(over(_both_ways, links), "one")
        if whole_of(over(_settled, ends))["settled"].all():
            return over(_labels, ends)
        links = over(_small_stars, by_key(over(_large_stars, ends), "one"))


def stars(links: pd.DataFrame) -> pd.DataFrame:
    """Link every row of a component to its smallest instead: the larger `one` to `other`."""
    both = links[["one", "other"]].to_numpy()
    rows, place = np.unique(both, return_inverse=True)
    component = components(place.reshape(-1, 2), len(rows))[1]
    # Rows are sorted, so the first of a component is its smallest.
    smallest = rows[np.unique(component, return_index=True)[1]][component]
    found = pd.DataFrame({"one": rows, "other": smallest})
    return found[found["one"] != found["other"]]


def _both_ways(links: pd.DataFrame) -> pd.DataFrame:
    back = links.rename(columns={"one": "other", "other": "one"})
    return pd.concat([links, back]).drop_duplicates()


def _settled(ends: pd.DataFrame) -> pd.DataFrame:
    """Whether every row has either one smaller neighbour and no larger, or only larger ones."""
    ends = ends.drop_duplicates()
    smaller = (ends["other"] < ends["one"]).groupby(ends["one"]).sum()
    count = ends.groupby("one").size()
    return pd.DataFrame({"settled": [((smaller == 0) | (count == 1)).all()]})


def _labels(ends: pd.DataFrame) -> pd.DataFrame:
    smallest = ends.groupby("one")["other"].min()
    rows = smallest.index.to_numpy()
    # Whole numbers in an empty part as well: as another type they would be other keys.
    return pd.DataFrame({"row": rows, "label": np.minimum(rows, smallest.to_numpy())})


def _large_stars(ends: pd.DataFrame) -> pd.DataFrame:
    """Link the larger neighbours of each row to the smallest of it and its neighbours."""
    smallest = ends.groupby("one")["other"].transform("min").clip(upper=ends["one"])
    found = pd.DataFrame({"one": ends["other"], "other": smallest})
    return found[ends["other"] > ends["one"]].drop_duplicates()


def _small_stars(links: pd.DataFrame) -> pd.DataFrame:
    """Link each row and its smaller neighbours to the smallest of these."""
    smallest = links.groupby("one")["other"].transform("min")
    own = pd.DataFrame({"one": links["one"], "other": smallest})
    others = pd.DataFrame({"one": links["other"], "other": smallest})
    found = pd.concat([own, others])
    return found[found["one"] != found["other"]].drop_duplicates()
