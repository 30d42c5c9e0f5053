"""The table of results, for machines (CSV) and for people (Markdown)."""

from __future__ import annotations

from typing import Any

import pandas as pd

TABLE_COLUMNS = [
    "row", "kind", "n_test", "f1_macro", "accuracy", "n_photo", "f1_macro_photo",
    "accuracy_photo", "f1_macro_photo_only", "f1_macro_text_only", "f1_macro_no_price", "weights",
    "f1_low", "f1_high", "accuracy_low", "accuracy_high", "ece", "ece_calibrated", "brier",
    "brier_calibrated",
]  # fmt: skip
# Shown behind their score, not in columns of their own.
_BOUNDS = {"f1_macro": ("f1_low", "f1_high"), "accuracy": ("accuracy_low", "accuracy_high")}


def results_table(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Put the scores of all rows into the columns of table.csv.

    Args:
        lines: row, kind, weights and the scores of each row; missing ones become empty cells.
    """
    return pd.DataFrame(lines).rename(columns={"n": "n_test"}).reindex(columns=TABLE_COLUMNS)


def results_markdown(
    results: pd.DataFrame, ceilings: dict[str, dict[str, float]], pairs: pd.DataFrame
) -> str:
    """Return the table as Markdown, with the notes that a reader needs.

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
    for column, (low, high) in _BOUNDS.items():
        bounds = shown[low] + "–" + shown[high]
        shown[column] += bounds.where(shown[low] != "", "").map(lambda b: f" ({b})" if b else "")
        shown = shown.drop(columns=[low, high])
    shown = shown.loc[:, (shown != "").any()]
    if "f1_macro_photo" not in shown:
        shown = shown.drop(columns="n_photo")
    leaky = shown["kind"] == "leaky"
    shown.loc[leaky, "row"] += " (*)"
    head = [c.replace("_", " ") for c in shown.columns]
    lines = [head, ["---"] * len(head), *shown.astype(str).to_numpy().tolist()]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    meanings = (
        ("f1_macro_photo", "`photo`: on its listings with a photo"),
        ("f1_macro_photo_only", "`photo only`, `text only`, `no price`: of the fused row with the "
         "other inputs hidden"),
    )  # fmt: skip
    said = "; ".join(
        ["Scores on the test split", *(m for column, m in meanings if column in shown)]
    )
    text += (
        f"\n\n{said}. 95% confidence "
        "intervals in parentheses: BCa bootstrap over groups of near-duplicates. `calibrated`: "
        "after temperature scaling, fitted on other listings than it is measured on.\n"
        "(*) Leaky on purpose: scored on listings that the encoders were fitted on. "
        "Do not compare it with other rows.\n"
    )
    if ceilings:
        best = ", ".join(
            f"{name} {scores['f1_macro']:.3f} / {scores['accuracy']:.3f}"
            for name, scores in ceilings.items()
        )
        text += (
            "Demo listings: these are not results on real ads. Best possible "
            f"macro F1 / accuracy without the price: {best}.\n"
        )
    if len(pairs):
        text += (
            "\nWhich rows differ: listings that only one of two rows gets right (exact McNemar "
            "tests with Holm's correction):\n\n"
        )
        text += "".join(f"- {sentence}\n" for sentence in pairs["sentence"])
    return text
