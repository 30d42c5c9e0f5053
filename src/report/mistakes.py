"""Confusions: the matrix of each row as a figure, and the pairs that are confused most."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from src.report.plots import INK, figure, label, name_axis, of_row, short
from src.report.results import Results


def confusion_figure(results: Results) -> dict[str, Any]:
    """Counts of actual against predicted, shaded by each actual category's share."""
    names = confusion_names(results)
    fig = figure(66 + 26 * len(names), xaxis={"side": "top", "title": {"text": "predicted"}})
    for row, pairs in results.confusion.items():
        counts = counted(pairs, names)
        shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
        fig.add_heatmap(
            z=np.round(shares, 3).tolist(),
            x=[label(name) for name in names],
            y=[label(name) for name in names],
            text=[[str(n) if n else "" for n in line] for line in counts],
            texttemplate="%{text}",
            textfont={"size": 11, "color": INK},
            colorscale=[[0, "var(--heat-0)"], [1, "var(--heat-1)"]],
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate="actual %{y}<br>predicted %{x}<br>%{text} listings, %{z:.0%} of the "
            "actual category<extra></extra>",
            meta=of_row(row, "hide"),
        )
    # Numbers on top, and on a phone on both sides: names would leave no room.
    numbers = [str(n) for n in range(1, len(names) + 1)]
    named = [f"{short(name)}  {n}" for name, n in zip(names, numbers, strict=True)]
    fig.update_yaxes(**name_axis(names, named), title={"text": "actual"})
    # Read from above, as tables are.
    fig.update_yaxes(range=[len(names) - 0.5, -0.5])
    fig.update_xaxes(**name_axis(names, numbers), tickangle=0)
    fig.update_layout(meta={"narrow": numbers}, margin={"b": 8})
    found: dict[str, Any] = fig.to_plotly_json()
    return found


def confusion_names(results: Results) -> list[str]:
    """The categories in the order of the matrix."""
    tables = results.confusion.values()
    return sorted({name for pairs in tables for column in pairs for name in pairs[column]})


def most_confused(pairs: pd.DataFrame, top: int = 8) -> pd.DataFrame:
    """The most frequent mistakes, those made at least twice.

    Args:
        pairs: actual and predicted of each listing.
        top: how many at most.

    Returns:
        actual, predicted, n and `of`, the listings of the actual category; the most frequent first.
    """
    sizes = pairs["actual"].value_counts()
    wrong = pairs[pairs["actual"] != pairs["predicted"]]
    found = wrong.groupby(["actual", "predicted"]).size().reset_index(name="n")
    found = found[found["n"] > 1].sort_values(
        ["n", "actual", "predicted"], ascending=[False, True, True]
    )
    return found.assign(of=found["actual"].map(sizes)).head(top)


def counted(pairs: pd.DataFrame, names: list[str]) -> Any:
    """Counts of actual (rows) and predicted (columns), [C, C]."""
    table = pd.crosstab(pairs["actual"], pairs["predicted"])
    return table.reindex(index=names, columns=names, fill_value=0).to_numpy()
