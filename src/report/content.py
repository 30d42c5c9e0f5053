"""Everything that the page shows, made from the results; `page.html.j2` reads it by these names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from src.core.schema import Params
from src.evaluation.abstain import TARGETS
from src.evaluation.reading import ALPHA, few_listings_note
from src.report.cards import ErrorCard, LabelErrorCard, error_cards, label_error_cards
from src.report.dataset import DatasetCounts, count_dataset
from src.report.figures.categories import (
    per_class_figure,
    shares_figure,
    split_counts_figure,
)
from src.report.figures.confidence import abstain_figure, reliability_figure
from src.report.figures.confusion import (
    Confusion,
    confusion_figure,
    confusion_names,
    most_confused,
)
from src.report.figures.scores import pairs_figure, scores_figure
from src.report.figures.training import training_curves_figure
from src.report.headline import Answered, Headline, answered, headline
from src.report.results import Record, Results

# Without corrected labels, without photos, or without fused rows, there are no such scores.
_EXTRA_SCORES = {
    "F1 as labelled": "f1_macro_as_labelled",
    "with photo": "f1_macro_photo",
    "photo only": "f1_macro_photo_only",
    "text only": "f1_macro_text_only",
    "no price": "f1_macro_no_price",
}


@dataclass(frozen=True)
class PageContent:
    """What the page shows.

    Attributes:
        model, text_model: the rows that the fused rows combine; '' where there are none of a kind.
        demo: whether the listings are those of the simulated marketplace.
        chosen: the row of the highest macro F1 on val; `head`, `confused`, `errors` are of it.
        explained: the fused row whose answers are taken apart; '' for none.
        table: metrics/table.csv, None for missing scores.
        extra_scores: the columns of it that not every experiment has, by heading.
        seeds: whether rows were fitted with several seeds.
        rows: the rows that can be selected.
        categories: in the order of the confusion matrix.
        targets: the accuracies that `answered` is given for.
        ceilings: the best possible macro F1 of the demo, by what may be read.
        different, not_different: a sentence for each pair of rows that was compared.
        errors, label_errors: examples, of `n_errors` and `n_label_errors` in all.
        intervals: a warning about the intervals, or ''.
        audit: Markdown.
        figures: Plotly's JSON by the id of the place on the page.
    """

    model: str
    text_model: str
    demo: bool
    chosen: str
    explained: str
    head: Headline
    table: list[Record]
    extra_scores: dict[str, str]
    seeds: bool
    rows: list[str]
    categories: list[str]
    targets: tuple[float, ...]
    answered: dict[str, dict[float, Answered]]
    ceilings: dict[str, float]
    different: list[str]
    not_different: list[str]
    confused: list[Confusion]
    errors: list[ErrorCard]
    n_errors: int
    label_errors: list[LabelErrorCard]
    n_label_errors: int
    intervals: str
    audit: str
    dataset: DatasetCounts
    figures: dict[str, dict[str, Any]]


def page_content(results: Results, params: Params) -> PageContent:
    """Put together what the page shows.

    Args:
        results: of `read_results`.
        params: `model`, `text_model`, `fused_model` and `collect.source` are read.
    """
    chosen = results.chosen
    confusion = results.confusion[chosen]
    dataset = count_dataset(results)
    differs = results.pairs["p_holm"] < ALPHA
    return PageContent(
        model=params.model,
        text_model=params.text_model,
        demo=params.collect.source == "demo",
        chosen=chosen,
        explained=results.explained,
        head=headline(results, params),
        table=_records(results.table),
        extra_scores={
            name: column
            for name, column in _EXTRA_SCORES.items()
            if results.table[column].notna().any()
        },
        seeds=bool(results.table["f1_seed_std"].notna().any()),
        rows=list(results.confusion),
        categories=confusion_names(results.confusion),
        targets=TARGETS,
        answered={row: answered(scores) for row, scores in results.scores.items()},
        ceilings={name: scores["f1_macro"] for name, scores in results.ceilings.items()},
        different=results.pairs.loc[differs, "sentence"].tolist(),
        not_different=results.pairs.loc[~differs, "sentence"].tolist(),
        confused=most_confused(confusion),
        errors=error_cards(results, chosen),
        n_errors=int((confusion["actual"] != confusion["predicted"]).sum()),
        label_errors=label_error_cards(results),
        n_label_errors=len(results.label_errors),
        intervals=few_listings_note(
            results.per_class.loc[results.per_class["row"] == chosen, "n"].to_numpy()
        ),
        audit=results.audit,
        dataset=dataset,
        figures=_figures(results, dataset),
    )


def _figures(results: Results, dataset: DatasetCounts) -> dict[str, dict[str, Any]]:
    """Return the figures that there is something to draw for, by the id of their place."""
    table, kinds = results.table, results.kinds
    ceilings = {name: scores["f1_macro"] for name, scores in results.ceilings.items()}
    figures = {
        "fig-f1": scores_figure(table, "f1_macro", "f1", "macro F1", ceilings),
        "fig-accuracy": scores_figure(table, "accuracy", "accuracy", "accuracy", {}),
        "fig-pairs": pairs_figure(results.pairs),
        "fig-per-class": per_class_figure(results.per_class, kinds, results.chosen),
        "fig-shares": shares_figure(results.predictions, results.explained),
        "fig-confusion": confusion_figure(results.confusion, confusion_names(results.confusion)),
        "fig-reliability": reliability_figure(results.reliability, kinds),
        "fig-abstain": abstain_figure(results.abstain, kinds),
        "fig-curves": training_curves_figure(results.curves, ["val_f1_macro"]),
        "fig-loss": training_curves_figure(results.curves, ["train_loss", "val_loss"]),
        "fig-counts": split_counts_figure(dataset.categories),
    }
    return {name: figure.to_plotly_json() for name, figure in figures.items() if figure is not None}


def _records(table: pd.DataFrame) -> list[Record]:
    return table.astype(object).where(table.notna(), None).to_dict("records")
