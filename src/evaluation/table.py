"""The table of results, for machines (CSV) and for people (Markdown)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from src.evaluation.choice import choice_sentence

TABLE_COLUMNS = [
    "row", "kind", "n_fitted", "n_test", "val_f1_macro",
    "f1_macro", "f1_low", "f1_high", "f1_seed_std",
    "accuracy", "accuracy_low", "accuracy_high", "accuracy_seed_std",
    "f1_macro_as_labelled", "accuracy_as_labelled",
    "n_photo", "f1_macro_photo", "accuracy_photo",
    "f1_macro_photo_only", "f1_macro_text_only", "f1_macro_no_price",
    "log_loss", "log_loss_calibrated", "ece", "ece_calibrated", "brier", "brier_calibrated",
    "weights",
]  # fmt: skip
# The columns that people are shown, by their headings. Bounds and spread stand behind their score.
_SCORES = {
    "row": "row", "kind": "kind", "n_fitted": "fitted on", "val_f1_macro": "val F1",
    "f1_macro": "macro F1", "accuracy": "accuracy", "f1_macro_as_labelled": "F1 as labelled",
    "f1_macro_photo_only": "photo only", "f1_macro_text_only": "text only",
    "f1_macro_no_price": "no price", "weights": "first weights",
}  # fmt: skip
_CALIBRATION = {"row": "row", "log_loss": "log loss", "ece": "ECE", "brier": "Brier"}


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

    def has(column: str) -> bool:
        return bool(results[column].notna().any())

    leaky = results["kind"] == "leaky"
    own = results["kind"].isin(["image", "text"])
    shown = results.assign(
        row=results["row"] + leaky.map({True: " (*)", False: ""}),
        weights=results["weights"].where(own, ""),
        f1_macro=_with_spread(results, "f1_macro", "f1"),
        accuracy=_with_spread(results, "accuracy", "accuracy"),
        **{
            score: _before_and_after(results[score], results[f"{score}_calibrated"])
            for score in ("log_loss", "ece", "brier")
        },
    )
    interval = "95% confidence intervals (BCa bootstrap over groups of near-duplicates)"
    notes = [
        "fitted on: how many listings the row learned from; val F1: macro F1 on val, to choose by.",
        f"macro F1, accuracy: on the {results['n_test'][~leaky].iloc[0]} test listings, with "
        f"{interval}{'; ±: the standard deviation over seeds' if has('f1_seed_std') else ''}.",
    ]
    if has("f1_macro_as_labelled"):
        notes.append("F1 as labelled: by the labels as they were before people corrected them.")
    if has("f1_macro_photo_only"):
        notes.append("photo only, text only, no price: macro F1 of a fused row, the rest hidden.")
    notes.append(
        "(*) Leaky on purpose: scored on listings that the encoders were fitted on. "
        "Do not compare it with other rows."
    )
    if ceilings:
        best = ", ".join(
            f"{name} {scores['f1_macro']:.3f} / {scores['accuracy']:.3f}"
            for name, scores in ceilings.items()
        )
        notes.append(
            "Demo listings: these are not results on real ads. Best possible "
            f"macro F1 / accuracy without the price: {best}."
        )
    text = f"{_markdown(shown, _SCORES)}\n{choice_sentence(results)}\n\n{_bullets(notes)}"
    text += (
        "\nHow good the probabilities are before → after calibration (lower is better):\n\n"
        f"{_markdown(shown, _CALIBRATION)}\n"
        "By temperature scaling, fitted on other listings than it is measured on; a row whose log "
        "loss it does not lower stays as it was.\n"
    )
    if len(pairs):
        text += (
            "\nWhich rows differ: listings that only one of two rows gets right (exact McNemar "
            f"tests with Holm's correction):\n\n{_bullets(pairs['sentence'])}"
        )
    return text


def _with_spread(results: pd.DataFrame, score: str, name: str) -> list[str]:
    """Write a score with its interval and, where there is one, its spread over seeds."""
    columns = results[[score, f"{name}_low", f"{name}_high", f"{name}_seed_std"]]
    texts = []
    for value, low, high, std in columns.itertuples(index=False):
        text = f"{value:.3f}"
        text += f" ({low:.3f}–{high:.3f})" if pd.notna(low) and pd.notna(high) else ""
        text += f" ±{std:.3f}" if pd.notna(std) else ""
        texts.append(text)
    return texts


def _before_and_after(before: pd.Series, after: pd.Series) -> list[str]:
    pairs = zip(before, after, strict=True)
    return [f"{one:.3f} → {other:.3f}" if pd.notna(one) else "" for one, other in pairs]


def _markdown(table: pd.DataFrame, headings: dict[str, str]) -> str:
    """Write columns as a Markdown table, without those that have no value; widths are equal."""
    columns = []
    for name, heading in headings.items():
        texts = [_cell(value) for value in table[name]]
        if any(texts):
            width = max(map(len, (heading, "---", *texts)))
            columns.append([text.ljust(width) for text in (heading, "-" * width, *texts)])
    return "".join(f"| {' | '.join(line)} |\n" for line in zip(*columns, strict=True))


def _bullets(lines: Iterable[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)


def _cell(value: Any) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
