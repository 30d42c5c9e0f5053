"""The model card of a bundle, for whoever gets it without the repository: card.md."""

from __future__ import annotations

from typing import Any

import pandas as pd

from src.core.wording import count_of
from src.evaluation.abstain import TARGETS, percent_name
from src.evaluation.reading import few_listings_note
from src.predict.bundle import BundleInfo, predicting_row

CARD = "card.md"
_SOURCES = {
    "demo": "a simulated marketplace: **these are not results about real ads**",
    "table": "a table of the user's",
    "avito": "ads collected from www.avito.ru",
}
_USES = """\
- Ads of another site, language or time than those above, before it was checked on some hundred of
  them with labels: `python -m src.predict.watch new.csv` compares them with the training ads.
- Categories that are not in the table: it answers one of these whatever it is shown.
- Decisions about people, such as blocking a seller, and finding forbidden goods or fraud: it has
  learned categories and nothing else.
- Answers without a person below the probability that is named under "How sure it is"."""


def card_text(
    info: BundleInfo,
    table: pd.DataFrame,
    scores: dict[str, Any],
    per_class: pd.DataFrame,
    weights: dict[str, Any],
    source: str,
) -> str:
    """Return the card of a bundle in Markdown.

    Args:
        table: the prepared listings.
        scores: of the row that predicts, by name, as in metrics/<kind>/<row>.json.
        per_class: its line for each category: category, f1, n.
        weights: what source.json says of each image and text row, by row.
        source: collect.source.
    """
    _, row = predicting_row(info.rows)
    read = " and ".join(f"{name} ({kind})" for kind, name in info.rows.items() if kind != "fused")
    parts = [
        "# Model card: categories of marketplace listings",
        f"The row **{row}** answers which of {len(info.classes)} categories a listing belongs to, "
        f"from {', '.join(info.reads)}, any of which may be missing. It reads {read}. Fitted on "
        + ", ".join(f"{count_of(n, 'listing')} ({kind})" for kind, n in info.fitted_on.items())
        + ".",
        "## Data",
        _data(table, source),
        _categories(table, per_class),
        "## Scores",
        _scores(scores, per_class, info.scores_are_of),
        "## How sure it is",
        _confidence(info.temperature, scores),
        "## What it must not be used for",
        _USES,
        "## Licences",
        _licences(weights),
    ]
    return "\n\n".join(parts) + "\n"


def _data(table: pd.DataFrame, source: str) -> str:
    missing = {
        "photo": table["photo_row"] < 0,
        "text": (table["title"] == "") & (table["text"] == ""),
        "price": table["price"].isna(),
    }
    without = ", ".join(f"{name} {lacks.mean():.0%}" for name, lacks in missing.items())
    days = table["listed"].dropna()
    posted = f" Posted from {days.min()} to {days.max()}." if len(days) else ""
    folds = table["fold"].max() + 1
    sizes = ", ".join(f"{split} {n}" for split, n in table["split"].value_counts().items())
    split = f"{folds} folds, each tested once" if folds else sizes
    return (
        f"{count_of(len(table), 'listing')} from {_SOURCES[source]}.{posted} Split: {split}, over "
        f"{count_of(table['group'].nunique(), 'group')} of near-duplicates, none of which is in "
        f"two splits. Missing: {without}. The categories are those that the ads had, or that "
        "people have put right since; wrong ones are still among them."
    )


def _categories(table: pd.DataFrame, per_class: pd.DataFrame) -> str:
    counts = table["category"].value_counts()
    tested = per_class.set_index("category")
    lines = ["| category | listings | tested | F1 |", "| --- | --- | --- | --- |"]
    for name in sorted(counts.index):
        on_test = (
            f"{tested['n'][name]} | {tested['f1'][name]:.2f}" if name in tested.index else " | "
        )
        lines.append(f"| {name.replace('|', chr(92) + '|')} | {counts[name]} | {on_test} |")
    return "\n".join(lines)


def _scores(scores: dict[str, Any], per_class: pd.DataFrame, are_of: str) -> str:
    text = (
        f"Macro F1 **{_with_bounds(scores, 'f1_macro', 'f1')}**, accuracy "
        f"**{_with_bounds(scores, 'accuracy', 'accuracy')}** on {scores['n']} test listings that "
        "no part of the model had seen, with 95% confidence intervals (BCa bootstrap over groups "
        f"of near-duplicates). They are scores of {are_of}."
    )
    hidden = {"photo_only": "photo", "text_only": "text", "no_price": "photo and text"}
    known = [
        f"{scores[key]:.3f} from {read}"
        for name, read in hidden.items()
        if (key := f"f1_macro_{name}") in scores
    ]
    if known:
        text += f" Macro F1 with the rest hidden: {', '.join(known)}."
    note = few_listings_note(per_class["n"].to_numpy())
    return f"{text} {note[:1].upper()}{note[1:]}".strip()


def _with_bounds(scores: dict[str, Any], score: str, name: str) -> str:
    return f"{scores[score]:.3f} ({scores[f'{name}_low']:.3f}–{scores[f'{name}_high']:.3f})"


def _confidence(temperature: float, scores: dict[str, Any]) -> str:
    lines = [
        f"Probabilities are calibrated (temperature {temperature:.2f}) on the test listings. There,"
    ]
    for target in TARGETS:
        threshold = scores.get(f"threshold_at_{percent_name(target)}")
        if threshold is None:
            lines.append(f"- no probability is high enough for an accuracy of {target:.0%};")
        else:
            share = scores[f"share_at_{percent_name(target)}"]
            lines.append(
                f"- a probability of at least **{threshold:.3f}** had {share:.0%} of the listings, "
                f"and {target:.0%} of these answers were right;"
            )
    lines[-1] = f"{lines[-1][:-1]}."
    return (
        "\n".join(lines) + '\n\nBelow it the honest answer is "not sure". The thresholds were '
        "chosen on the listings that they are measured on, so they are somewhat too good."
    )


def _licences(weights: dict[str, Any]) -> str:
    lines = [line for row, about in weights.items() for line in _licences_of(row, about)]
    lines.append(
        "- Everything else was learned from the listings above; what their owners allow holds for "
        "it as well. The code that reads the bundle is under the MIT licence."
    )
    return "\n".join(lines)


def _licences_of(row: str, about: dict[str, Any]) -> list[str]:
    """Return a line for the weights that a row started from, or for each part of a joined one."""
    if "parts" in about:
        return [line for part in about["parts"].items() for line in _licences_of(*part)]
    first = about["weights"]
    if "licence" in about:
        return [f"- {row}: `{about['network']}`, {first}: {about['licence']}"]
    if first.startswith("hub "):
        page = f"https://huggingface.co/{first.removeprefix('hub ')}"
        return [f"- {row}: `{about['network']}`: the licence that {page} names"]
    if first in ("random", "none"):
        return [f"- {row}: no weights of others"]
    return [f"- {row}: {first}: the licence is not recorded"]
