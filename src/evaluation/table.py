"""The table of results, for machines (CSV) and for people (Markdown)."""

from __future__ import annotations

from typing import Any

import pandas as pd

COLUMNS = {
    "row": "row",
    "kind": "kind",
    "n": "n_test",
    "f1_macro": "f1_macro",
    "accuracy": "accuracy",
    "n_photo": "n_photo",
    "f1_macro_photo": "f1_macro_photo",
    "accuracy_photo": "accuracy_photo",
    "f1_macro_photo_only": "f1_macro_photo_only",
    "f1_macro_text_only": "f1_macro_text_only",
    "f1_macro_no_price": "f1_macro_no_price",
    "weights": "weights",
    "f1_low": "f1_low",
    "f1_high": "f1_high",
    "accuracy_low": "accuracy_low",
    "accuracy_high": "accuracy_high",
    "ece": "ece",
    "ece_calibrated": "ece_calibrated",
    "brier": "brier",
    "brier_calibrated": "brier_calibrated",
}
# Shown behind their score, not in columns of their own.
BOUNDS = {"f1_macro": ("f1_low", "f1_high"), "accuracy": ("accuracy_low", "accuracy_high")}


def results_table(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Order the scores of all rows into the columns of table.csv."""
    return pd.DataFrame(lines).reindex(columns=list(COLUMNS)).rename(columns=COLUMNS)


def to_markdown(
    results: pd.DataFrame, ceilings: dict[str, dict[str, float]], pairs: pd.DataFrame
) -> str:
    """Write the table with what a reader has to know about it.

    Args:
        results: of `results_table`.
        ceilings: the best possible scores on the demo; empty for real listings.
        pairs: of `paired.compare`.
    """
    shown = results.copy()
    for column in shown.columns:
        if column.startswith(("f1_", "accuracy", "ece", "brier")):
            shown[column] = shown[column].map(
                lambda value: "" if pd.isna(value) else f"{value:.3f}"
            )
    for column, (low, high) in BOUNDS.items():
        bounds = shown[low] + "–" + shown[high]
        shown[column] += bounds.where(shown[low] != "", "").map(lambda b: f" ({b})" if b else "")
        shown = shown.drop(columns=[low, high])
    leaky = shown["kind"] == "leaky"
    shown.loc[leaky, "row"] += " (*)"
    head = [c.replace("_", " ") for c in shown.columns]
    lines = [head, ["---"] * len(head), *shown.astype(str).to_numpy().tolist()]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    text += (
        "\n\nJudged on the test part; `photo`: on its listings with a photo; `photo only`, "
        "`text only`, `no price`: the fused row with the rest hidden. In brackets 95 % intervals: "
        "BCa bootstrap over groups of near-duplicates. `calibrated`: by a temperature fitted on "
        "other listings than it is measured on.\n"
        "(*) Leaky on purpose: judged on listings that the encoders were fitted on. "
        "Compare it with nothing.\n"
    )
    if ceilings:
        best = ", ".join(
            f"{name} {scores['f1_macro']:.3f} / {scores['accuracy']:.3f}"
            for name, scores in ceilings.items()
        )
        text += (
            "Demo listings: these are no results about real ads. Best possible "
            f"macro F1 / accuracy without the price: {best}.\n"
        )
    if len(pairs):
        text += "\nWhich rows differ (exact McNemar tests, corrected after Holm):\n\n"
        text += "".join(f"- {sentence}\n" for sentence in pairs["sentence"])
    return text
