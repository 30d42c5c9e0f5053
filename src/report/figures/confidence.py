"""Figures of confidence: calibration, and accuracy where a row may abstain."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from src.report.figures import style


def reliability_figure(by_row: dict[str, pd.DataFrame], kinds: dict[str, str]) -> go.Figure:
    """Show accuracy against confidence.

    Args:
        by_row: metrics/reliability, by row.
        kinds: image, text or fused, by row.
    """
    figure = style.empty_figure(
        380,
        xaxis={
            "title": {"text": "confidence (probability of the top category)"},
            "range": [0, 1.02],
        },
        yaxis={"title": {"text": "accuracy"}, "range": [0, 1.02]},
    )
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", hoverinfo="skip",
        line={"color": style.MUTED, "dash": "dot", "width": 1},
    )  # fmt: skip
    for row, lines in by_row.items():
        _add_row(figure, row, kinds[row], lines[["confidence", "accuracy", "n"]], "lines+markers")
    figure.update_traces(
        hovertemplate="%{text}<br>confidence %{x:.3f}, accuracy %{y:.3f}, n = %{customdata}"
        "<extra></extra>",
        selector={"mode": "lines+markers"},
    )
    return figure


def abstain_figure(by_row: dict[str, pd.DataFrame], kinds: dict[str, str]) -> go.Figure:
    """Show accuracy on the listings a row is most confident about, against their share.

    Args:
        by_row: metrics/abstain, by row.
        kinds: image, text or fused, by row.
    """
    # A first few listings may all be wrong; they do not set the scale.
    lowest = min(
        (lines["accuracy"].iloc[len(lines) // 10 :].min() for lines in by_row.values()),
        default=0.0,
    )
    figure = style.empty_figure(
        380,
        xaxis={"title": {"text": "share answered"}, "range": [0, 1.02], "tickformat": ".0%"},
        yaxis={
            "title": {"text": "accuracy on those"},
            "range": [max(0.0, lowest - 0.05), 1.02],
            "tickformat": ".0%",
        },
    )
    for row, lines in by_row.items():
        _add_row(figure, row, kinds[row], lines[["share", "accuracy", "threshold"]], "lines")
    figure.update_traces(
        hovertemplate="%{text}<br>answers %{x:.1%}, accuracy %{y:.1%}, "
        "threshold %{customdata:.1%}<extra></extra>"
    )
    return figure


def _add_row(figure: go.Figure, row: str, kind: str, lines: pd.DataFrame, mode: str) -> None:
    """Draw the second column against the first; the third is shown on hover."""
    x, y, more = (style.rounded(lines[column]) for column in lines)
    figure.add_scatter(
        x=x,
        y=y,
        mode=mode,
        line={"color": style.KIND_COLORS[kind], "width": 2.5},
        marker={"size": 7},
        customdata=more,
        text=[style.escape(row)] * len(lines),
        meta=style.row_meta(row, "fade"),
    )
