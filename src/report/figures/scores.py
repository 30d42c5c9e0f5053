"""Figures of scores with their confidence intervals: each row's, and of pairs of rows."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from src.evaluation.reading import ALPHA, p_text
from src.report.figures import style


def scores_figure(
    table: pd.DataFrame, score: str, bounds: str, title: str, ceilings: dict[str, float]
) -> go.Figure:
    """Show a score of every row with its interval.

    Args:
        table: metrics/table.csv.
        score: the column of the score.
        bounds: the columns of the interval, without `_low` and `_high`.
        title: of the x axis.
        ceilings: vertical lines by name, such as the best possible scores.
    """
    # The same range for macro F1 and accuracy, so that the two figures can be compared.
    lowest = math.floor(table[["f1_low", "accuracy_low"]].min().min() * 20) / 20
    axis = {"title": {"text": title}, "range": [max(0.0, lowest - 0.02), 1.02]}
    figure = style.empty_figure(70 + 26 * len(table), xaxis=axis)
    for line in table.to_dict("records"):
        value, low, high = (line[name] for name in (score, f"{bounds}_low", f"{bounds}_high"))
        figure.add_scatter(
            **_interval(value, low, high),
            y=[style.escape(line["row"])],
            marker={
                "size": 9,
                "color": style.KIND_COLORS[line["kind"]],
                "symbol": "diamond-open" if line["kind"] == "leaky" else "circle",
            },
            text=[f"{value:.3f} ({low:.3f} to {high:.3f})"],
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    for n, (name, best) in enumerate(sorted(ceilings.items(), key=lambda item: item[1])):
        figure.add_vline(x=best, line={"color": style.MUTED, "width": 1, "dash": "dot"})
        # In two lines by turns, because neighbours may be close.
        figure.add_annotation(
            x=best,
            y=1,
            yref="paper",
            yanchor="bottom",
            yshift=13 * (n % 2),
            text=style.escape(name),
            showarrow=False,
            font={"size": 11, "color": style.MUTED},
        )
    figure.update_layout(margin={"t": 34})
    style.set_row_names(figure, table["row"][::-1])
    return figure


def pairs_figure(pairs: pd.DataFrame) -> go.Figure | None:
    """Show the difference in macro F1 of each pair of rows; None where there is no pair.

    Args:
        pairs: metrics/pairs.csv.
    """
    if pairs.empty:
        return None
    figure = style.empty_figure(
        70 + 36 * len(pairs), xaxis={"title": {"text": "difference in macro F1"}}
    )
    names, texts = [], []
    for line in pairs.to_dict("records"):
        value, low, high = (line[f"f1_difference{end}"] for end in ("", "_low", "_high"))
        names.append(f"{line['row']} − {line['against']}")
        texts.append(f"{style.shorten(line['row'])}<br>− {style.shorten(line['against'])}")
        p = p_text(line["p_holm"])
        figure.add_scatter(
            **_interval(value, low, high),
            y=[style.escape(names[-1])],
            marker={"size": 9, "color": style.ACCENT if line["p_holm"] < ALPHA else style.MUTED},
            text=[f"{value:+.3f} ({low:+.3f} to {high:+.3f}), {p}"],
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": style.INK, "width": 1})
    figure.update_yaxes(**style.name_axis(names[::-1], texts[::-1]))
    return figure


def _interval(value: float, low: float, high: float) -> dict[str, Any]:
    """A point on the x axis with a line from one bound to the other."""
    ends = {"array": style.rounded([high - value]), "arrayminus": style.rounded([value - low])}
    return {
        "x": style.rounded([value]),
        "error_x": {"type": "data", **ends, "thickness": 2, "width": 4},
        "mode": "markers",
    }
