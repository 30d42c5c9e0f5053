"""What a person is asked about: a listing, its label and the category that models prefer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from src.core.errors import UserError
from src.core.files import read_json
from src.core.listings import PREPARED, RAW, read_listings
from src.evaluation.added import ADDED


@dataclass(frozen=True)
class Asked:
    """A listing to look at.

    Attributes:
        id, title, text, price: of the listing; price None where it has none.
        was: its label as collected; '' for an unlabelled listing.
        given, given_prob: its label now, and how likely models find it that have not seen the
            listing; for an unlabelled one '' and the probability of the second category.
        suggested, suggested_prob: the category that they prefer.
        added: what photo, text and price that it has add to the log-odds of that category.
        nearest: the listings most like it: title and category of each.
    """

    id: str
    title: str
    text: str
    price: float | None
    was: str
    given: str
    given_prob: float
    suggested: str
    suggested_prob: float
    added: dict[str, float]
    nearest: list[dict[str, str]]


def suspected(data: Path) -> tuple[list[Asked], list[str]]:
    """Return the listings with a probably wrong label, the worst first, and all categories.

    Args:
        data: the folder of the stages' results.

    Raises:
        UserError: the listings have not been evaluated, or their labels were shuffled.
    """
    errors = data / "evaluation" / "label_errors.parquet"
    if not errors.exists():
        raise UserError(f"{errors}, the suspected labels, is missing; run `dvc repro` first")
    if read_json(data / "prepared" / "notes.json")["labels"] == "shuffled":
        # To keep such a label would write it down as the right one.
        raise UserError("the labels were shuffled (prepare.shuffle_labels); there is none to check")
    table = read_listings(data / "prepared" / "listings.parquet", PREPARED).set_index("id")
    collected = read_listings(data / "raw" / "listings.parquet", RAW).set_index("id")["category"]
    suspects = pd.read_parquet(errors).sort_values("rank")
    nearest = pd.read_parquet(data / "evaluation" / "nearest.parquet")
    asked = []
    for one in suspects.to_dict("records"):
        listing = table.loc[one["id"]]
        asked.append(
            Asked(
                id=one["id"],
                title=listing["title"],
                text=listing["text"],
                price=None if pd.isna(listing["price"]) else float(listing["price"]),
                was=collected[one["id"]],
                given=one["given"],
                given_prob=float(one["self_confidence"]),
                suggested=one["likelier"],
                suggested_prob=float(one["likelier_prob"]),
                # What a listing lacks adds 0.
                added={name: float(one[column]) for name, column in ADDED.items() if one[column]},
                nearest=[
                    {"title": ad["title"], "category": ad["category"]}
                    for ad in nearest[nearest["id"] == one["id"]].to_dict("records")
                ],
            )
        )
    return asked, sorted(set(collected))
