"""Links between similar photos of a table in parts, as `src.prepare.duplicates` finds them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.util import hash_array

from src.prepare.duplicates import MAX_SHARED_PHOTO, agreeing_pairs, codes_of, few_around
from src.prepare.hamming import choices, near_by_choice
from src.prepare.on_ray.parts import TableParts, by_key, over
from src.prepare.texts import read_texts

_TEXT = ["row", "title", "text", "seller"]


def find_crowded(listings: TableParts, size: int, bits: int) -> tuple[TableParts, TableParts]:
    """Count the photos around each photo: those with a hash at most `bits` apart.

    Two such hashes agree in some pieces. So each is sent to the parts of all choices of these, and
    the hashes of a part are compared there.

    Args:
        listings: `row`, `phash`.
        size: of listings, in all.

    Returns:
        `code`, `other`, pairs of near hashes; `row`, `code`, `crowded`, whether more than
        MAX_SHARED_PHOTO are around. Both in parts by `code`.
    """
    photos = by_key(over(_photos, listings), "code")
    copies = over(_copies, photos, size=size, bits=bits, count=len(listings))
    near = by_key(over(_near, by_key(copies, "part"), size=size, bits=bits), "code")
    return near, over(_crowded, photos, near)


def link_photos(listings: TableParts, near: TableParts, crowded: TableParts) -> TableParts:
    """Return `one`, `other`: links between near photos whose texts agree, none of them crowded.

    Args:
        listings: `row`, `title`, `text`, `seller`; in parts by `row`.
        near, crowded: from `find_crowded`.
    """
    halves = by_key(over(_holders, near, crowded), "other")
    pairs = by_key(over(_other_holders, halves, crowded), "other")
    told = by_key(over(_with_text, pairs, listings), "one")
    return over(_agreeing, told, listings)


def _photos(listings: pd.DataFrame) -> pd.DataFrame:
    held = listings[["row", "phash"]].dropna()
    return pd.DataFrame({"row": held["row"], "code": codes_of(held["phash"])})


def _copies(photos: pd.DataFrame, size: int, bits: int, count: int) -> pd.DataFrame:
    codes, held = np.unique(photos["code"], return_counts=True)
    found = []
    for number, choice in enumerate(choices(size, bits)):
        part = (hash_array(codes & choice.mask) + number) % count
        copy = {"code": codes, "held": held, "choice": np.int16(number), "part": part}
        found.append(pd.DataFrame(copy).astype({"held": np.int32, "part": np.int32}))
    return pd.concat(found, ignore_index=True)


def _near(copies: pd.DataFrame, size: int, bits: int) -> pd.DataFrame:
    """Return pairs of codes; of a code with itself, `around`, the listings near by this part."""
    found = []
    for number, choice in enumerate(choices(size, bits)):
        own = copies[copies["choice"] == number]
        codes, held = own["code"].to_numpy(), own["held"].to_numpy(np.int64)
        (one, other), around = few_around(near_by_choice(codes, bits, choice), held)
        found.append(pd.DataFrame({"code": codes[one], "other": codes[other], "around": 0}))
        itself = pd.DataFrame({"code": codes, "other": codes, "around": around - held})
        found.append(itself[itself["around"] > 0])
    return pd.concat(found)


def _crowded(photos: pd.DataFrame, near: pd.DataFrame) -> pd.DataFrame:
    held = photos.groupby("code")["row"].transform("size")
    around = photos["code"].map(near.groupby("code")["around"].sum()).fillna(0)
    return photos.assign(crowded=held + around > MAX_SHARED_PHOTO)


def _holders(near: pd.DataFrame, crowded: pd.DataFrame) -> pd.DataFrame:
    """Return `row`, `code`, `other`: for each pair of codes, the listings with the first."""
    few = crowded.loc[~crowded["crowded"], ["row", "code"]]
    several = few.loc[few.duplicated("code"), ["code"]].drop_duplicates()
    apart = near.loc[near["code"] != near["other"], ["code", "other"]]
    return pd.concat([apart, several.assign(other=several["code"])]).merge(few, on="code")


def _other_holders(halves: pd.DataFrame, crowded: pd.DataFrame) -> pd.DataFrame:
    few = crowded.loc[~crowded["crowded"], ["row", "code"]].set_axis(["second", "other"], axis=1)
    pairs = halves.merge(few, on="other")
    # A code paired with itself gives every pair of its holders twice, and each with itself.
    pairs = pairs[(pairs["code"] != pairs["other"]) | (pairs["row"] < pairs["second"])]
    return pd.DataFrame({"one": pairs["row"], "other": pairs["second"]})


def _with_text(pairs: pd.DataFrame, listings: pd.DataFrame) -> pd.DataFrame:
    return pairs.merge(listings[_TEXT].rename(columns={"row": "other"}), on="other")


def _agreeing(told: pd.DataFrame, listings: pd.DataFrame) -> pd.DataFrame:
    own = listings.loc[listings["row"].isin(told["one"]), _TEXT]
    others = told.drop(columns="one").rename(columns={"other": "row"})
    both = pd.concat([own, others]).drop_duplicates("row", ignore_index=True)
    rows = pd.Index(both["row"])
    pairs = np.stack([rows.get_indexer(told[end]) for end in ("one", "other")], axis=1)
    seller = pd.factorize(both["seller"])[0]
    one, other = rows.to_numpy()[agreeing_pairs(pairs, read_texts(both), seller)].T
    return pd.DataFrame({"one": one, "other": other})
