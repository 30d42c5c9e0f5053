"""The confusion matrix of each row, and the most frequent confusions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from src.report.figures import style


@dataclass(frozen=True)
class Confusion:
    """How many of the `total` listings of one category were taken for another."""

    actual: str
    predicted: str
    n: int
    total: int


def confusion_figure(by_row: dict[str, pd.DataFrame], names: list[str]) -> go.Figure:
    """Show the counts of actual against predicted, shaded by the share of the actual category.

    Args:
        by_row: actual and predicted of each listing, by row.
        names: the categories in the order of the matrix.
    """
    figure = style.empty_figure(
        66 + 26 * len(names), xaxis={"side": "top", "title": {"text": "predicted"}}
    )
    for row, pairs in by_row.items():
        counts = count_confusions(pairs, names)
        shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
        figure.add_heatmap(
            z=np.round(shares, 3).tolist(),
            x=[style.escape(name) for name in names],
            y=[style.escape(name) for name in names],
            text=[[str(n) if n else "" for n in line] for line in counts],
            customdata=counts.tolist(),
            texttemplate="%{text}",
            textfont={"size": 11, "color": style.INK},
            colorscale=[[0, "var(--heat-0)"], [1, "var(--heat-1)"]],
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate="actual: %{y}<br>predicted: %{x}<br>listings: %{customdata}, "
            "%{z:.0%} of the actual category<extra></extra>",
            meta=style.row_meta(row, "hide"),
        )
    # Numbers along the top, and on a phone on both sides: names would leave no room.
    numbers = [str(n) for n in range(1, len(names) + 1)]
    numbered = [f"{style.shorten(name)}  {n}" for name, n in zip(names, numbers, strict=True)]
    figure.update_yaxes(**style.name_axis(names, numbered), title={"text": "actual"})
    # From the top down, as tables are read.
    figure.update_yaxes(range=[len(names) - 0.5, -0.5])
    figure.update_xaxes(**style.name_axis(names, numbers), autotickangles=[0, 90])
    figure.update_layout(meta={"narrow": numbers}, margin={"b": 8})
    return figure


def confusion_names(by_row: dict[str, pd.DataFrame]) -> list[str]:
    """Return all categories, actual or predicted, in the order of the matrix."""
    return sorted({name for pairs in by_row.values() for column in pairs for name in pairs[column]})


def count_confusions(pairs: pd.DataFrame, names: list[str]) -> NDArray[np.int64]:
    """Return the counts of actual (rows) against predicted (columns), [C, C]."""
    counted = pd.crosstab(pairs["actual"], pairs["predicted"])
    counts: NDArray[np.int64] = counted.reindex(names, columns=names, fill_value=0).to_numpy()
    return counts


def most_confused(pairs: pd.DataFrame, limit: int = 8) -> list[Confusion]:
    """Return the most frequent confusions that happened at least twice, the most frequent first.

    Args:
        pairs: actual and predicted of each listing.
        limit: how many at most.
    """
    sizes = pairs["actual"].value_counts()
    wrong = pairs[pairs["actual"] != pairs["predicted"]]
    counts = wrong.groupby(["actual", "predicted"]).size().reset_index(name="n")
    ordered = counts[counts["n"] > 1].sort_values(
        ["n", "actual", "predicted"], ascending=[False, True, True]
    )
    return [
        Confusion(actual, predicted, int(n), int(sizes[actual]))
        for actual, predicted, n in ordered.head(limit).itertuples(index=False)
    ]
