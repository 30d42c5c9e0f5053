"""The listings shown as examples: mistakes of a row, and labels that are probably wrong."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from src.evaluation.added import ADDED
from src.report.results import Record, Results

ERRORS = 36
LABEL_ERRORS = 24
TEXT_LENGTH = 180
THUMBNAIL_SIDE = 112
THUMBNAIL_QUALITY = 72
GUESSES = ("predicted", "second", "third")


@dataclass(frozen=True)
class ListingCard:
    """What a listing says; price and photo (a data: URI) are None where it has none.

    `nearest`: titles, categories and similarities of the ads that are most like it.
    """

    id: str
    title: str
    text: str
    price: float | None
    photo: str | None
    nearest: list[Record]


@dataclass(frozen=True)
class Guess:
    """A category that a row finds likely, and whether it is the right one."""

    name: str
    prob: float
    right: bool


@dataclass(frozen=True)
class ErrorCard:
    """A mistake of a row: the listing, its category, and the row's likeliest three.

    `added`: what photo, text and price that it has added to the log-odds of the likeliest; {} of a
    row that is not fused.
    """

    listing: ListingCard
    actual: str
    guesses: list[Guess]
    added: dict[str, float]


@dataclass(frozen=True)
class LabelErrorCard:
    """A listing that is probably labelled wrongly: its label and a likelier category.

    `added`: what photo, text and price that it has add to the log-odds of the likelier.
    """

    listing: ListingCard
    given: str
    given_prob: float
    likelier: str
    likelier_prob: float
    added: dict[str, float]


def error_cards(results: Results, row: str, limit: int = ERRORS) -> list[ErrorCard]:
    """Return the mistakes that a row was most confident about, spread over the categories."""
    predictions = results.predictions[results.predictions["row"] == row]
    wrong = predictions[predictions["actual"] != predictions["predicted"]]
    return [
        ErrorCard(
            listing=_listing_card(results, line["id"]),
            actual=line["actual"],
            guesses=[
                Guess(line[name], line[f"{name}_prob"], line[name] == line["actual"])
                for name in GUESSES
                # With two categories there is no third.
                if isinstance(line.get(name), str)
            ],
            added=_added(line),
        )
        for line in spread(wrong, "actual", "predicted_prob", limit).to_dict("records")
    ]


def label_error_cards(results: Results, limit: int = LABEL_ERRORS) -> list[LabelErrorCard]:
    """Return the labels that are most probably wrong, spread over the categories."""
    suspected = results.label_errors.assign(suspicion=-results.label_errors["rank"])
    return [
        LabelErrorCard(
            listing=_listing_card(results, line["id"]),
            given=line["given"],
            given_prob=line["self_confidence"],
            likelier=line["likelier"],
            likelier_prob=line["likelier_prob"],
            added=_added(line),
        )
        for line in spread(suspected, "given", "suspicion", limit).to_dict("records")
    ]


def spread(table: pd.DataFrame, category: str, by: str, limit: int) -> pd.DataFrame:
    """Choose at most `limit` lines with a high `by`, spread over the categories.

    Each category gives its highest line, then each its second, and so on. The highest come first
    in the result.

    Args:
        table: lines with an `id`.
        category, by: columns.
        limit: how many lines at most.
    """
    ordered = table.sort_values([by, "id"], ascending=[False, True])
    turn = ordered.groupby(category).cumcount()
    chosen = ordered.assign(turn=turn).sort_values("turn", kind="stable").head(limit)
    return chosen.sort_values([by, "id"], ascending=[False, True])


def thumbnail(pixels: NDArray[np.uint8]) -> str:
    """Return a photo, uint8 [size, size, 3], as the data: URI of a small WebP image."""
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    small = Image.fromarray(pixels).resize(side, Image.Resampling.LANCZOS)
    content = io.BytesIO()
    small.save(content, "WEBP", quality=THUMBNAIL_QUALITY, method=6)
    return "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode("ascii")


def _added(line: Record) -> dict[str, float]:
    """Return what photo, text and price added, without what the listing lacks."""
    added = {name: line.get(column, 0.0) for name, column in ADDED.items()}
    return {name: value for name, value in added.items() if value and not pd.isna(value)}


def _listing_card(results: Results, listing: str) -> ListingCard:
    line = results.listings.loc[results.listings["id"] == listing].iloc[0]
    text = str(line["text"])
    return ListingCard(
        id=listing,
        title=line["title"],
        text=text if len(text) <= TEXT_LENGTH else text[:TEXT_LENGTH].rstrip() + "…",
        price=None if pd.isna(line["price"]) else line["price"],
        photo=thumbnail(results.photos[line["photo_row"]]) if line["photo_row"] >= 0 else None,
        nearest=results.nearest[results.nearest["id"] == listing].to_dict("records"),
    )
