"""Which mistakes and doubtful labels the report shows, and what it says of each."""

from __future__ import annotations

from typing import Any

import pandas as pd

from src.report.results import Results
from src.report.thumbs import thumbnail

ERRORS = 36
LABEL_ERRORS = 24
TEXT_LENGTH = 180
GUESSES = ("predicted", "second", "third")


def errors(results: Results, row: str, limit: int = ERRORS) -> list[dict[str, Any]]:
    """The mistakes that a row was surest of: the listing, its category and the likeliest three."""
    said = results.predictions[results.predictions["row"] == row]
    wrong = said[said["actual"] != said["predicted"]]
    chosen = spread(wrong, "actual", "predicted_prob", limit)
    cards = []
    for line in chosen.to_dict("records"):
        guesses = [
            {
                "name": line[name],
                "prob": line[f"{name}_prob"],
                "right": line[name] == line["actual"],
            }
            for name in GUESSES
            if isinstance(line.get(name), str)
        ]
        cards.append(_listing(results, line["id"]) | {"actual": line["actual"], "guesses": guesses})
    return cards


def doubted_labels(results: Results, limit: int = LABEL_ERRORS) -> list[dict[str, Any]]:
    """The listings whose label is doubted most: the listing, its label and the likelier one."""
    doubted = results.label_errors.assign(doubt=-results.label_errors["rank"])
    chosen = spread(doubted, "given", "doubt", limit)
    names = ("given", "likelier", "likelier_prob", "self_confidence")
    return [
        _listing(results, line["id"]) | {name: line[name] for name in names}
        for line in chosen.to_dict("records")
    ]


def spread(table: pd.DataFrame, category: str, by: str, limit: int) -> pd.DataFrame:
    """Choose lines with a high `by`, in turn over the categories; the highest come first.

    Each category gives its highest line, then each its second, until there are `limit`.
    """
    ordered = table.sort_values([by, "id"], ascending=[False, True])
    turn = ordered.groupby(category).cumcount()
    chosen = ordered.assign(turn=turn).sort_values("turn", kind="stable").head(limit)
    return chosen.sort_values([by, "id"], ascending=[False, True])


def _listing(results: Results, listing: str) -> dict[str, Any]:
    known = results.listings.loc[results.listings["id"] == listing].iloc[0]
    text = str(known["text"])
    return {
        "id": listing,
        "title": known["title"],
        "text": text if len(text) <= TEXT_LENGTH else text[:TEXT_LENGTH].rstrip() + "…",
        "price": None if pd.isna(known["price"]) else known["price"],
        "photo": thumbnail(results.photos[known["photo_row"]]) if known["photo_row"] >= 0 else None,
    }
