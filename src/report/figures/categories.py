"""Figures of the categories: F1 of each, and its number of listings in each split."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from src.core.listings import SPLITS
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
