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
}


def results_table(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Order the scores of all rows into the columns of table.csv."""
    return pd.DataFrame(lines).reindex(columns=list(COLUMNS)).rename(columns=COLUMNS)


def to_markdown(results: pd.DataFrame, ceilings: dict[str, dict[str, float]]) -> str:
    """Write the table with what a reader has to know about it."""
    shown = results.copy()
    for column in shown.columns:
        if column.startswith(("f1_", "accuracy")):
            shown[column] = shown[column].map(
                lambda value: "" if pd.isna(value) else f"{value:.3f}"
            )
    leaky = shown["kind"] == "leaky"
    shown.loc[leaky, "row"] += " (*)"
    head = [c.replace("_", " ") for c in shown.columns]
    lines = [head, ["---"] * len(head), *shown.astype(str).to_numpy().tolist()]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    text += (
        "\n\nJudged on the test part; `photo`: on its listings with a photo; `photo only`, "
        "`text only`, `no price`: the fused row with the rest hidden.\n"
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
    return text
