"""Links between similar texts of a table in parts, as `src.prepare.texts` finds them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from src.prepare.jaccard import by_rarity, joined, prefixes, sets_of
from src.prepare.links import to_first
from src.prepare.on_ray.parts import TableParts, by_key, over, part_of
from src.prepare.on_ray.propagation import smallest_of_component
from src.prepare.texts import agreeing, long_grams, read_texts


def link_texts(listings: TableParts, least: float) -> TableParts:
    """Return `one`, `other`: links between texts with a Jaccard similarity of `least` or more.

    Two similar texts share one of their rarest 3-grams. So each text is sent to the parts of these,
    and the texts of a part are joined there. A component may be in many parts.

    Args:
        listings: `row`, `title`, `text`; in parts by `row`.
    """
    grams = over(_grams, listings)
    shared = by_key(over(_shared, by_key(grams, "gram")), "row")
    # No name holds the copies, the largest of all tables, longer than they are needed.
    sent = by_key(over(_copies, grams, shared, least=least, count=len(listings)), "part")
    alike = over(_alike, sent, least=least)
    del sent
    labels = by_key(smallest_of_component(alike), "row")
    members = over(_members, listings, labels)
    return over(_agreeing, by_key(members, "label"))


def _grams(listings: pd.DataFrame) -> pd.DataFrame:
    listing, gram = long_grams(read_texts(listings, hashed=True))
    row = listings["row"].to_numpy()[listing]
    return pd.DataFrame({"row": row, "gram": gram}).drop_duplicates()


def _shared(grams: pd.DataFrame) -> pd.DataFrame:
    held = grams.groupby("gram")["row"].transform("size")
    return grams.assign(held=held)[held > 1]


def _copies(grams: pd.DataFrame, shared: pd.DataFrame, least: float, count: int) -> pd.DataFrame:
    """Return the 3-grams of each text once for every part that it is sent to."""
    rows, place = np.unique(grams["row"], return_inverse=True)
    items = np.unique(grams["gram"])
    held_by = np.ones(len(items), np.int64)
    held_by[np.searchsorted(items, shared["gram"])] = shared["held"]
    sets = sets_of(place, grams["gram"].to_numpy(), len(rows))
    rank, own, _ = prefixes(sets, least, held_by)
    rarest = pd.Series(items[by_rarity(held_by)][rank])
    sent = pd.DataFrame({"row": rows[own], "part": part_of(rarest, count)}).drop_duplicates()
    return sent.merge(grams, on="row")


def _alike(grams: pd.DataFrame, least: float) -> pd.DataFrame:
    rows, place = np.unique(grams["row"], return_inverse=True)
    component = joined(sets_of(place, grams["gram"].to_numpy(), len(rows)), least)
    first, other = to_first(pd.Series(component)).T
    return pd.DataFrame({"one": rows[other], "other": rows[first]})


def _members(listings: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    return listings[["row", "title", "text"]].merge(labels, on="row")


def _agreeing(members: pd.DataFrame) -> pd.DataFrame:
    component = pd.factorize(members["label"])[0].astype(np.int32)
    rows = members["row"].to_numpy()
    one, other = rows[agreeing(read_texts(members), component)].T
    return pd.DataFrame({"one": one, "other": other})
