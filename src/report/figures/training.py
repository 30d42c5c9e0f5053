"""The figure of training curves: what was measured after each epoch."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from src.report.figures import style


def training_curves_figure(by_row: dict[str, pd.DataFrame], columns: list[str]) -> go.Figure | None:
    """Show some columns by epoch, train_loss dotted; None where no row was trained in epochs.

    Args:
        by_row: metrics/curves, by row.
        columns: those to draw, of train_loss, val_loss and val_f1_macro.
    """
    figure = style.empty_figure(
        380, xaxis={"title": {"text": "epoch"}}, yaxis={"rangemode": "tozero"}
    )
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "font": {"size": 12}},
    )
    for n, (row, lines) in enumerate(by_row.items()):
        for column in [name for name in columns if name in lines]:
            figure.add_scatter(
                x=[int(epoch) for epoch in lines["epoch"]],
                y=style.rounded(lines[column]),
                mode="lines",
                name=style.escape(row),
                legendgroup=str(n),
                showlegend=column == columns[-1],
                line={
                    "color": style.SERIES_COLORS[n % len(style.SERIES_COLORS)],
                    "width": 2,
                    "dash": "dot" if column == "train_loss" else "solid",
                },
                hovertemplate=f"{column} %{{y:.3f}} after epoch %{{x}}",
            )
    return figure if figure.data else None
