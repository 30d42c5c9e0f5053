"""The figures of the report but the matrix, each as Plotly's JSON; the page draws them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from src.report.lines import abstain, curves, reliability
from src.report.plots import (
    INK,
    KIND_COLORS,
    MUTED,
    figure,
    label,
    name_axis,
    name_rows,
    numbers,
    of_row,
    short,
)
from src.report.results import Results

PARTS = {"train": "var(--series-1)", "val": "var(--series-2)", "test": "var(--series-3)"}


def all_figures(results: Results) -> dict[str, dict[str, Any]]:
    """Draw everything that there is something to draw of, by the id of its place on the page."""
    drawn = {
        "fig-f1": scores(results, "f1_macro", "f1", "macro F1"),
        "fig-accuracy": scores(results, "accuracy", "accuracy", "accuracy"),
        "fig-pairs": pairs(results.pairs) if len(results.pairs) else None,
        "fig-per-class": per_class(results),
        "fig-reliability": reliability(results),
        "fig-abstain": abstain(results),
        "fig-curves": curves(results.curves, ["val_f1_macro"]),
        "fig-loss": curves(results.curves, ["train_loss", "val_loss"]),
        "fig-counts": counts(results.notes["categories"]),
    }
    return {name: fig.to_plotly_json() for name, fig in drawn.items() if fig is not None}


def scores(results: Results, score: str, bounds: str, title: str) -> go.Figure:
    """A score of every row with its interval."""
    table = results.table
    fig = figure(70 + 26 * len(table), xaxis={"title": {"text": title}})
    for line in table.to_dict("records"):
        value, low, high = (line[name] for name in (score, f"{bounds}_low", f"{bounds}_high"))
        fig.add_scatter(
            **_interval(value, low, high),
            y=[label(line["row"])],
            marker={
                "size": 9,
                "color": KIND_COLORS[line["kind"]],
                "symbol": "x-thin-open" if line["kind"] == "leaky" else "circle",
            },
            text=[f"{value:.3f} ({low:.3f} to {high:.3f})"],
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    if score == "f1_macro":
        best = sorted((best[score], name) for name, best in results.ceilings.items())
        for n, (value, name) in enumerate(best):
            fig.add_vline(x=value, line={"color": MUTED, "width": 1, "dash": "dot"})
            # Neighbours on lines of their own, for they may be close.
            fig.add_annotation(
                x=value, y=1, yref="paper", yanchor="bottom", yshift=13 * (n % 2), text=label(name),
                showarrow=False, font={"size": 11, "color": MUTED},
            )  # fmt: skip
    fig.update_layout(margin={"t": 34})
    name_rows(fig, table["row"][::-1])
    return fig


def pairs(table: pd.DataFrame) -> go.Figure:
    """By how much one row's macro F1 is above another's, with the interval of the difference."""
    fig = figure(70 + 36 * len(table), xaxis={"title": {"text": "difference in macro F1"}})
    names = [f"{line['row']} − {line['against']}" for line in table.to_dict("records")]
    for name, line in zip(names, table.to_dict("records"), strict=True):
        value, low, high = (line[f"f1_difference{end}"] for end in ("", "_low", "_high"))
        fig.add_scatter(
            **_interval(value, low, high),
            y=[label(name)],
            marker={"size": 9, "color": "var(--accent)" if line["p_holm"] < 0.05 else MUTED},
            text=[f"{value:+.3f} ({low:+.3f} to {high:+.3f}), p = {line['p_holm']:.3f}"],
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    fig.add_vline(x=0, line={"color": INK, "width": 1})
    texts = [f"{short(row)}<br>− {short(other)}" for row, other in table[["row", "against"]].values]
    fig.update_yaxes(**name_axis(names[::-1], texts[::-1]))
    return fig


def _interval(value: float, low: float, high: float) -> dict[str, Any]:
    """A point on the x axis with a line from one bound to the other."""
    ends = {"array": numbers([high - value]), "arrayminus": numbers([value - low])}
    return {
        "x": numbers([value]),
        "error_x": {"type": "data", **ends, "thickness": 2, "width": 4},
        "mode": "markers",
    }


def per_class(results: Results) -> go.Figure:
    """F1 of each category, the hardest on top, for the row that is picked."""
    every = results.per_class
    order = every[every["row"] == results.best].sort_values(["f1", "category"])["category"]
    fig = figure(60 + 24 * len(order), xaxis={"title": {"text": "F1"}, "range": [0, 1.02]})
    kinds = results.table.set_index("row")["kind"]
    for row, lines in every.groupby("row", sort=False):
        fig.add_bar(
            x=numbers(lines["f1"]),
            y=[label(name) for name in lines["category"]],
            orientation="h",
            marker={"color": KIND_COLORS[kinds[row]]},
            text=[
                f"F1 {f1:.3f}, precision {precision:.3f}, recall {recall:.3f}, n = {n}"
                for f1, precision, recall, n in lines[
                    ["f1", "precision", "recall", "n"]
                ].itertuples(index=False)
            ],
            textposition="none",
            hovertemplate="%{y}<br>%{text}<extra></extra>",
            meta=of_row(str(row), "hide"),
        )
    name_rows(fig, order[::-1])
    fig.update_layout(bargap=0.3)
    return fig


def counts(categories: dict[str, dict[str, int]]) -> go.Figure:
    """Listings of each category by part, the largest on top."""
    order = sorted(categories, key=lambda name: (-sum(categories[name].values()), name))
    fig = figure(
        90 + 24 * len(order), xaxis={"title": {"text": "listings"}}, barmode="stack", bargap=0.3
    )
    for part, color in PARTS.items():
        fig.add_bar(
            x=[categories[name].get(part, 0) for name in order],
            y=[label(name) for name in order],
            orientation="h",
            name=part,
            marker={"color": color},
            hovertemplate="%{y}<br>%{x} listings<extra>" + part + "</extra>",
        )
    fig.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
    )
    name_rows(fig, order[::-1])
    return fig
