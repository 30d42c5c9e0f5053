"""Figures of lines: calibration, accuracy against share answered, curves of fitting."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from src.report.plots import KIND_COLORS, MUTED, SERIES_COLORS, figure, label, numbers, of_row
from src.report.results import Results


def reliability(results: Results) -> go.Figure:
    """How often the top category is right where a row is so sure of it."""
    fig = figure(
        380,
        xaxis={"title": {"text": "probability of the top category"}, "range": [0, 1.02]},
        yaxis={"title": {"text": "share that is right"}, "range": [0, 1.02]},
    )
    fig.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", hoverinfo="skip",
        line={"color": MUTED, "dash": "dot", "width": 1},
    )  # fmt: skip
    _lines(fig, results, results.reliability, ("confidence", "accuracy"), "n", "lines+markers")
    return fig


def abstain(results: Results) -> go.Figure:
    """Accuracy on the listings that a row is surest of, against their share."""
    lowest = min(
        (lines["accuracy"].iloc[len(lines) // 10 :].min() for lines in results.abstain.values()),
        default=0.0,
    )
    fig = figure(
        380,
        xaxis={"title": {"text": "share answered"}, "range": [0, 1.02], "tickformat": ".0%"},
        yaxis={
            "title": {"text": "accuracy on these"},
            "range": [max(0.0, lowest - 0.05), 1.02],
            "tickformat": ".0%",
        },
    )
    _lines(fig, results, results.abstain, ("share", "accuracy"), "threshold", "lines")
    return fig


def _lines(
    fig: go.Figure,
    results: Results,
    by_row: dict[str, pd.DataFrame],
    axes: tuple[str, str],
    told: str,
    mode: str,
) -> None:
    kinds = results.table.set_index("row")["kind"]
    for row, lines in by_row.items():
        fig.add_scatter(
            x=numbers(lines[axes[0]]),
            y=numbers(lines[axes[1]]),
            mode=mode,
            line={"color": KIND_COLORS[kinds[row]], "width": 2.5},
            marker={"size": 7},
            customdata=numbers(lines[told]),
            text=[label(row)] * len(lines),
            hovertemplate=f"%{{text}}<br>{axes[0]} %{{x:.3f}}, {axes[1]} %{{y:.3f}}, "
            f"{told} %{{customdata}}<extra></extra>",
            meta=of_row(row, "fade"),
        )


def curves(by_row: dict[str, pd.DataFrame], columns: list[str]) -> go.Figure | None:
    """What was measured per epoch; None where no row was fitted in epochs."""
    fig = figure(380, xaxis={"title": {"text": "epoch"}}, yaxis={"rangemode": "tozero"})
    fig.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "font": {"size": 12}},
    )
    for n, (row, lines) in enumerate(by_row.items()):
        for column in [name for name in columns if name in lines]:
            fig.add_scatter(
                x=[int(epoch) for epoch in lines["epoch"]],
                y=numbers(lines[column]),
                mode="lines",
                name=label(row),
                legendgroup=str(n),
                showlegend=column == columns[-1],
                line={
                    "color": SERIES_COLORS[n % len(SERIES_COLORS)],
                    "width": 2,
                    "dash": "dot" if column == "train_loss" else "solid",
                },
                hovertemplate=f"{column} %{{y:.3f}} at epoch %{{x}}",
            )
    return fig if fig.data else None
