"""Figures of the categories: F1 of each, and its number of listings in each split."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from src.core.listings import SPLITS
from src.evaluation.added import ADDED
from src.report.dataset import CategoryCounts
from src.report.figures import style
from src.report.formats import counted


def per_class_figure(per_class: pd.DataFrame, kinds: dict[str, str], chosen: str) -> go.Figure:
    """Show F1 of each category for the selected row, in the order of the chosen row's F1.

    Args:
        per_class: metrics/per_class.csv.
        kinds: image, text or fused, by row.
        chosen: the row that sets the order; its lowest F1 is on top.
    """
    order = per_class[per_class["row"] == chosen].sort_values(["f1", "category"])["category"]
    axis = {"title": {"text": "F1"}, "range": [0, 1.02]}
    figure = style.empty_figure(60 + 24 * len(order), xaxis=axis, bargap=0.3)
    for row, lines in per_class.groupby("row", sort=False):
        figure.add_bar(
            x=style.rounded(lines["f1"]),
            y=[style.escape(name) for name in lines["category"]],
            orientation="h",
            marker={"color": style.KIND_COLORS[kinds[str(row)]]},
            text=[
                f"F1 {f1:.3f}, precision {precision:.3f}, recall {recall:.3f}, n = {n}"
                for f1, precision, recall, n in lines[
                    ["f1", "precision", "recall", "n"]
                ].itertuples(index=False)
            ],
            textposition="none",
            hovertemplate="%{y}<br>%{text}<extra></extra>",
            meta=style.row_meta(str(row), "hide"),
        )
    style.set_row_names(figure, order[::-1])
    return figure


def shares_figure(predictions: pd.DataFrame, row: str) -> go.Figure | None:
    """Show for each category how far photo, text and price move a fused row's answers.

    Of each listing the shares of what they add to the log-odds of the answer, whatever its sign;
    then their means. The category in which the photo does most is on top.

    Args:
        predictions: data/evaluation/predictions.parquet.
        row: '' for none.
    """
    mine = predictions[predictions["row"] == row]
    if not len(mine):
        return None
    shares = mean_shares(mine)
    axis = {"title": {"text": "mean share"}, "range": [0, 1], "tickformat": ".0%"}
    figure = style.empty_figure(90 + 24 * len(shares), xaxis=axis, barmode="stack", bargap=0.3)
    for n, name in enumerate(shares):
        figure.add_bar(
            x=style.rounded(shares[name]),
            y=[style.escape(category) for category in shares.index],
            orientation="h",
            name=name,
            marker={"color": style.SERIES_COLORS[n]},
            hovertemplate=f"%{{y}}<br>{name}: %{{x:.0%}}<extra></extra>",
        )
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
    )
    style.set_row_names(figure, shares.index)
    return figure


def mean_shares(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return photo, text and price's mean shares by actual category, by the photo's share.

    Args:
        predictions: with `actual` and ADDED.
    """
    size = predictions[list(ADDED.values())].set_axis(list(ADDED), axis=1).abs()
    shares = size.div(size.sum(axis=1), axis=0)
    means = shares.groupby(predictions["actual"]).mean().dropna()
    return means.sort_values(["photo", "text"], kind="stable")


def split_counts_figure(categories: list[CategoryCounts]) -> go.Figure:
    """Show the listings of each category by split, the largest category on top."""
    order = sorted(categories, key=lambda category: (-category.total, category.name))
    axis = {"title": {"text": "listings"}}
    figure = style.empty_figure(90 + 24 * len(order), xaxis=axis, barmode="stack", bargap=0.3)
    for n, split in enumerate(SPLITS):
        counts = [category.by_split[split] for category in order]
        figure.add_bar(
            x=counts,
            y=[style.escape(category.name) for category in order],
            orientation="h",
            name=split,
            marker={"color": style.SERIES_COLORS[n]},
            text=[counted(count, "listing") for count in counts],
            textposition="none",
            hovertemplate=f"%{{y}}<br>%{{text}} in {split}<extra></extra>",
        )
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
    )
    style.set_row_names(figure, [category.name for category in order[::-1]])
    return figure
