"""The leakage audit: what could have leaked, what was done about it, what leakage would score."""

from __future__ import annotations

from typing import Any

import pandas as pd

from src.evaluation.planted import labels_found, pairs_found
from src.evaluation.read import LEAKY

RULES = {
    "same file": "the same photo, byte by byte",
    "photo": "photos alike (perceptual hash) and texts that agree",
    "text": "texts alike (word 3-grams)",
    "seller": "the same seller and title",
}


def audit(
    table: pd.DataFrame,
    notes: dict[str, Any],
    scores: dict[str, dict[str, Any]],
    suspected: int,
    looked_at: int,
) -> dict[str, Any]:
    """Gather the audit's numbers.

    Args:
        table: the prepared listings.
        notes: what preparing them counted.
        scores: of every row, the leaky one too, by row.
        suspected, looked_at: how many listings probably have a wrong label, and of how many.

    Returns:
        Sections of numbers: duplicates, random_split, split, leaky, label_errors.
    """
    parts = table.groupby("group")["split"].nunique()
    return {
        "duplicates": notes["duplicates"],
        "random_split": notes["random_split"],
        "split": {"groups": len(parts), "groups_crossing": int((parts > 1).sum())},
        "leaky": _leaky(scores),
        "label_errors": {"looked_at": looked_at, "suspected": suspected},
    }


def audit_planted(
    table: pd.DataFrame, truth: pd.DataFrame, suspected: pd.DataFrame, looked_at: pd.Series
) -> dict[str, Any]:
    """Compare what was found with what the demo planted: precision and recall of each.

    Args:
        table: the prepared listings.
        truth: the demo's, with id, group and wrong_label.
        suspected: listings of a probably wrong label.
        looked_at: ids of the listings that were looked at for that.
    """
    known = truth.set_index("id")
    groups = known["group"].loc[table["id"]].to_numpy(dtype=object)
    pairs = pairs_found(table["group"].to_numpy(dtype=object), groups)
    wrong = known["wrong_label"].loc[looked_at].to_numpy(dtype=bool)
    labels = labels_found(suspected["id"].to_numpy(dtype=str), looked_at.to_numpy(dtype=str), wrong)
    return {
        "duplicate_pairs": pairs._asdict(),
        "wrong_labels": labels._asdict() | {"planted": int(wrong.sum())},
    }


def audit_markdown(found: dict[str, Any]) -> str:
    """Write the audit for people."""
    duplicates, plain, leaky = found["duplicates"], found["random_split"], found["leaky"]
    lines = [
        "# Leakage audit",
        "",
        "## Near-duplicates",
        "",
        f"{duplicates['groups']} groups of near-duplicates hold {duplicates['listings']} listings, "
        f"the largest {duplicates['largest']}. A link joins two listings; two that several rules "
        "join count under each.",
        "",
        "| link | listings joined |",
        "| --- | --- |",
        *(f"| {RULES[rule]} | {count} |" for rule, count in duplicates["links"].items()),
        "",
        f"Of {plain['pairs']} pairs of near-duplicates a plain stratified split of the same sizes "
        f"would have put {plain['pairs_crossing']} on both sides of a border, and "
        f"{plain['judged_listings_with_twin_in_train_or_val']} of {plain['judged_listings']} "
        "judged listings would have had a twin among those learned from. Here groups stay whole: "
        f"{found['split']['groups_crossing']} of {found['split']['groups']} cross.",
        "",
        "## What leakage scores",
        "",
        f"{LEAKY} is judged on {leaky['n']} listings of a fresh random split; the encoders were "
        f"fitted on {leaky['share_seen']:.1%} of them. Where f of the listings were seen,",
        "",
        "    accuracy = f * (accuracy on seen listings) + (1 - f) * (honest accuracy)",
        "",
    ]
    if "accuracy_predicted" in leaky:
        lines += [
            f"    {leaky['accuracy_predicted']:.3f} = {leaky['share_seen']:.3f} * "
            f"{leaky['accuracy_seen']:.3f} + {1 - leaky['share_seen']:.3f} * "
            f"{leaky['accuracy_honest']:.3f}",
            "",
            "with the accuracy of the same head judged honestly. Measured: "
            f"{leaky['accuracy']:.3f} (95 % interval {leaky['accuracy_low']:.3f} to "
            f"{leaky['accuracy_high']:.3f}).",
            "",
        ]
    errors = found["label_errors"]
    lines += [
        "## Labels",
        "",
        f"Confident learning suspects {errors['suspected']} of {errors['looked_at']} listings of a "
        "wrong category (data/judged/label_errors.parquet); where categories overlap, many of them "
        "are right. No score leaves them out.",
        "",
    ]
    if "planted" in found:
        pairs, labels = (found["planted"][name] for name in ("duplicate_pairs", "wrong_labels"))
        lines += [
            "## Against what the demo planted",
            "",
            "| | precision | recall |",
            "| --- | --- | --- |",
            f"| pairs of near-duplicates | {pairs['precision']:.3f} | {pairs['recall']:.3f} |",
            f"| wrong labels ({labels['planted']}) | {labels['precision']:.3f} | "
            f"{labels['recall']:.3f} |",
            "",
        ]
    return "\n".join(lines)


def _leaky(scores: dict[str, dict[str, Any]]) -> dict[str, Any]:
    leaky = scores[LEAKY]
    names = ("n", "accuracy", "accuracy_low", "accuracy_high", "share_seen")
    found = {name: leaky[name] for name in names}
    honest = scores.get(LEAKY.removesuffix("_leaky"))
    if honest is not None and "accuracy_seen" in leaky:
        seen, f = leaky["accuracy_seen"], leaky["share_seen"]
        found["accuracy_seen"] = seen
        found["accuracy_honest"] = honest["accuracy"]
        found["accuracy_predicted"] = round(f * seen + (1 - f) * honest["accuracy"], 6)
    return found
