"""The report's sentences and small tables: the headline, calibration, the data."""

from __future__ import annotations

from typing import Any

import pandas as pd

from src.core.listings import SPLITS
from src.evaluation.abstain import TARGETS
from src.evaluation.paired import ALPHA
from src.report.results import Results

REASONS = 20


def headline(results: Results) -> dict[str, Any]:
    """The best honest row: its scores, and the rows that no test tells from it."""
    best = results.best
    line = results.table.set_index("row").loc[best]
    return {
        **{str(name): line[name] for name in line.index},
        "row": best,
        "right": round(line["accuracy"] * line["n_test"]),
        "rows": len(results.honest),
        "not_told_apart": not_told_apart(results.pairs, best),
    }


def answered(scores: dict[str, Any]) -> dict[float, dict[str, float]]:
    """The share answered and the threshold, by target accuracy where the row reaches it."""
    names = {target: f"{target:.0%}".rstrip("%") for target in TARGETS}
    return {
        target: {"share": scores[f"share_at_{name}"], "threshold": scores[f"threshold_at_{name}"]}
        for target, name in names.items()
        if f"share_at_{name}" in scores
    }


def not_told_apart(pairs: pd.DataFrame, row: str) -> list[str]:
    """Rows that were compared with this one and do not differ from it by the test."""
    same = pairs[pairs["p_holm"] >= ALPHA]
    return [
        *same.loc[same["row"] == row, "against"].tolist(),
        *same.loc[same["against"] == row, "row"].tolist(),
    ]


def data_facts(results: Results) -> dict[str, Any]:
    """Counts of listings by category and part, of what is missing, and what was set aside why."""
    table, notes = results.listings, results.notes
    by_part = pd.crosstab(table["category"], table["split"]).reindex(columns=SPLITS, fill_value=0)
    without = (table["photo_row"] < 0).groupby(table["category"]).sum()
    return {
        "collected": notes["collected"],
        "listings": notes["listings"],
        "folds": int(table["fold"].max()) + 1,
        "categories": [
            {
                "name": name,
                "parts": [int(n) for n in counts],
                "all": int(counts.sum()),
                "no_photo": int(n),
            }
            for (name, counts), n in zip(by_part.iterrows(), without, strict=True)
        ],
        "missing": {
            "no photo": notes["photos"]["none"],
            "a photo that cannot be read": sum(notes["photos"]["problems"].values()),
            "neither title nor text": notes["no_text"],
            "no price": notes["no_price"],
        },
        "hidden": notes["contacts_hidden"],
        "set_aside": _set_aside(results),
    }


def _set_aside(results: Results) -> list[tuple[str, str, int]]:
    """What was set aside or noted: at which step, why, how many."""
    notes = results.notes
    too_small = notes["set_aside"]["category_too_small"].items()
    return [
        *(("collecting, set aside", *found) for found in _reasons(results.rejected)),
        *(("collecting, noted", *found) for found in _reasons(results.noted)),
        *(("preparing, photo not used", *found) for found in notes["photos"]["problems"].items()),
        *(("preparing, set aside", f"category too small: {name}", n) for name, n in too_small),
        *(
            ("preparing, set aside", "near-duplicate of a later part", n)
            for n in [notes["set_aside"]["duplicate_in_later_part"]]
            if n
        ),
    ]


def _reasons(notes: pd.DataFrame) -> list[tuple[str, int]]:
    counts = notes["reason"].value_counts().rename_axis("reason").reset_index(name="n")
    ordered = counts.sort_values(["n", "reason"], ascending=[False, True])
    found = [(str(line["reason"]), int(line["n"])) for line in ordered.to_dict("records")]
    rest = sum(n for _, n in found[REASONS:])
    return found[:REASONS] + ([("other reasons", rest)] if rest else [])
