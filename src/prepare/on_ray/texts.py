"""Links between similar texts of a table in parts, as `src.prepare.texts` finds them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from src.prepare.jaccard import Indices, by_rarity, joined, prefixes, sets_of
from src.prepare.links import to_first
from src.prepare.on_ray.parts import TableParts, by_key, over, part_of, put
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
    numbers = put(pd.DataFrame({"part": [number]}) for number in range(len(listings)))
    shared = by_key(over(_shared, by_key(over(_counts, grams, numbers), "gram")), "part")
    sent = by_key(over(_copies, grams, shared, least=least, count=len(listings)), "part")
    # No name holds these longer than they are needed: they are the largest of all tables.
    del grams, shared
    alike = over(_alike, sent, least=least)
    del sent
    labels = by_key(smallest_of_component(alike), "row")
    members = over(_members, listings, labels)
    return over(_agreeing, by_key(members, "label"))


def _grams(listings: pd.DataFrame) -> pd.DataFrame:
    """Return `row`, `grams`: the 3-grams of each text, as a list."""
    listing, gram = long_grams(read_texts(listings, hashed=True))
    found = pd.DataFrame({"listing": listing, "gram": gram}).drop_duplicates()
    length = np.bincount(found["listing"], minlength=len(listings))
    return pd.DataFrame(
        {"row": listings["row"].to_numpy(), "grams": _lists_of(found["gram"].to_numpy(), length)}
    )


def _counts(grams: pd.DataFrame, number: pd.DataFrame) -> pd.DataFrame:
    gram, held = np.unique(_flat(grams["grams"])[0], return_counts=True)
    part = np.int32(number["part"].iloc[0])
    return pd.DataFrame({"gram": gram, "held": held.astype(np.int32), "part": part})


def _shared(counts: pd.DataFrame) -> pd.DataFrame:
    """Return `gram`, `held`, `part`: to every part with a 3-gram, how many texts have it in all."""
    held = counts.groupby("gram")["held"].transform("sum").astype(np.int32)
    return counts.assign(held=held)[held > 1]


def _copies(grams: pd.DataFrame, shared: pd.DataFrame, least: float, count: int) -> pd.DataFrame:
    """Return each text once for every part that it is sent to.

    Returns:
        `row`, `part`; `size`, how many 3-grams the text has; `grams`, those that others have, too.
    """
    read, length = _flat(grams["grams"])
    of = np.repeat(np.arange(len(grams)), length)
    items, item = np.unique(read, return_inverse=True)
    held_by = np.ones(len(items), np.int64)
    held_by[np.searchsorted(items, shared["gram"])] = shared["held"]
    rank, own, _ = prefixes(sets_of(of, item, len(grams)), least, held_by)
    rarest = pd.Series(items[by_rarity(held_by)][rank])
    sent = pd.DataFrame({"own": own, "part": part_of(rarest, count)}).drop_duplicates()
    kept = held_by[item] > 1
    lists = _lists_of(read[kept], np.bincount(of[kept], minlength=len(grams)))
    known = pd.DataFrame({"row": grams["row"], "size": length.astype(np.int32), "grams": lists})
    return known.iloc[sent["own"]].assign(part=sent["part"].to_numpy(np.int32))


def _alike(sent: pd.DataFrame, least: float) -> pd.DataFrame:
    read, length = _flat(sent["grams"])
    items, item = np.unique(read, return_inverse=True)
    # What no other text has was not sent: it counts for the size alone.
    alone = sent["size"].to_numpy() - length
    of = np.repeat(np.tile(np.arange(len(sent)), 2), np.concatenate([length, alone]))
    item = np.concatenate([item, len(items) + np.arange(alone.sum())])
    component = joined(sets_of(of, item, len(sent)), least)
    first, other = to_first(pd.Series(component)).T
    rows = sent["row"].to_numpy()
    return pd.DataFrame({"one": rows[other], "other": rows[first]})


def _lists_of(values: Indices, length: Indices) -> pd.Series:
    """Return values, one list after the other, as a column of lists of these lengths, [N]."""
    ends = np.concatenate([[0], length.cumsum()])
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.LargeListArray.from_arrays(ends, values)))


def _flat(lists: pd.Series) -> tuple[Indices, Indices]:
    """Return the values of a column of lists, and the lengths of these, [N]."""
    array = pa.table({"lists": lists})["lists"].combine_chunks()
    return array.flatten().to_numpy(), pc.list_value_length(array).to_numpy()


def _members(listings: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    return listings[["row", "title", "text"]].merge(labels, on="row")


def _agreeing(members: pd.DataFrame) -> pd.DataFrame:
    component = pd.factorize(members["label"])[0].astype(np.int32)
    rows = members["row"].to_numpy()
    one, other = rows[agreeing(read_texts(members), component)].T
    return pd.DataFrame({"one": one, "other": other})
