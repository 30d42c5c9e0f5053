"""Counts of the listings: by category and split, what is missing, what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from src.core.listings import SPLITS
from src.report.results import Results

REASONS = 20


@dataclass(frozen=True)
class CategoryCounts:
    """Listings of one category: by split, in all, and without a readable photo."""

    name: str
    by_split: dict[str, int]
    total: int
    no_photo: int


class LeftOut(NamedTuple):
    """How many listings or photos were left out or noted at a step, for one reason."""

    step: str
    reason: str
    n: int


@dataclass(frozen=True)
class DatasetCounts:
    """Counts of the listings.

    Attributes:
        collected, listings: how many were collected, and how many are used.
        folds: of cross-validation; 0 without it.
        categories: in the order of their names.
        missing: listings by what they lack.
        contacts_hidden: listings by the kind of contact that was hidden in their text.
        left_out: what was left out or noted.
        corrections: sentences on what people's corrections of labels did.
    """

    collected: int
    listings: int
    folds: int
    categories: list[CategoryCounts]
    missing: dict[str, int]
    contacts_hidden: dict[str, int]
    left_out: list[LeftOut]
    corrections: list[str]


def count_dataset(results: Results) -> DatasetCounts:
    """Count the listings."""
    table, notes = results.listings, results.notes
    return DatasetCounts(
        collected=notes["collected"],
        listings=notes["listings"],
        folds=int(table["fold"].max()) + 1,
        categories=_count_categories(table),
        missing={
            "no photo": notes["photos"]["none"],
            "unreadable photo": sum(notes["photos"]["problems"].values()),
            "neither title nor text": notes["no_text"],
            "no price": notes["no_price"],
        },
        contacts_hidden=notes["contacts_hidden"],
        left_out=_left_out(results),
        corrections=notes["corrections"]["said"],
    )


def _count_categories(table: pd.DataFrame) -> list[CategoryCounts]:
    by_split = pd.crosstab(table["category"], table["split"]).reindex(columns=SPLITS, fill_value=0)
    no_photo = (table["photo_row"] < 0).groupby(table["category"]).sum()
    return [
        CategoryCounts(
            name=str(name),
            by_split={split: int(counts[split]) for split in SPLITS},
            total=int(counts.sum()),
            no_photo=int(no_photo[str(name)]),
        )
        for name, counts in by_split.iterrows()
    ]


def _left_out(results: Results) -> list[LeftOut]:
    notes = results.notes
    too_small = notes["set_aside"]["category_too_small"].items()
    of_few = notes["set_aside"]["category_of_few_sellers"].items()
    alike = notes["set_aside"]["category_of_few_groups"].items()
    duplicates = notes["set_aside"]["duplicate_in_later_part"]
    found = [
        *(LeftOut("collect: left out", *line) for line in _by_reason(results.rejected)),
        *(LeftOut("collect: noted", *line) for line in _by_reason(results.noted)),
        *(LeftOut("pack: photo not used", *line) for line in notes["photos"]["problems"].items()),
        *(LeftOut("prepare: left out", f"category too small: {name}", n) for name, n in too_small),
        *(
            LeftOut("prepare: left out", f"category of few sellers: {name}", n)
            for name, n in of_few
        ),
        *(
            LeftOut("prepare: left out", f"category of near-duplicates alone: {name}", n)
            for name, n in alike
        ),
    ]
    if fits_none := notes["set_aside"]["fits_no_category"]:
        found.append(LeftOut("prepare: left out", "fits no category, a person says", fits_none))
    if duplicates:
        reason = "near-duplicate of a listing in a later split"
        found.append(LeftOut("prepare: left out", reason, duplicates))
    return found


def _by_reason(notes: pd.DataFrame) -> list[tuple[str, int]]:
    """Count the reasons, the most frequent first; the rarest become one line."""
    counts = notes["reason"].value_counts().rename_axis("reason").reset_index(name="n")
    ordered = counts.sort_values(["n", "reason"], ascending=[False, True])
    found = [(str(reason), int(n)) for reason, n in ordered.itertuples(index=False)]
    rest = sum(n for _, n in found[REASONS:])
    return found[:REASONS] + ([("other reasons", rest)] if rest else [])
