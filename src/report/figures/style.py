"""What all figures share: colours, axes, and names that cannot act as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go

# Variables of the page's style sheet, so that a figure follows the page from light to dark.
KIND_COLORS = {kind: f"var(--{kind})" for kind in ("image", "text", "fused", "leaky")}
SERIES_COLORS = [f"var(--series-{n})" for n in range(1, 9)]
ACCENT, INK, MUTED, GRID = "var(--accent)", "var(--ink)", "var(--muted)", "var(--grid)"
# The longest name beside a figure, in characters: on a wide screen and on a phone.
WIDE, NARROW = 26, 15


def escape(name: str) -> str:
    """Escape a name, because Plotly draws a subset of HTML in every text."""
    return html.escape(name, quote=False)


def shorten(name: str, length: int = WIDE) -> str:
    """Cut a name to `length` characters and escape it."""
    return escape(name if len(name) <= length else name[: length - 1].rstrip() + "…")


def empty_figure(height: int, **layout: Any) -> go.Figure:
    """Return a figure of `height` pixels without data and title."""
    figure = go.Figure()
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 8, "r": 12, "t": 8, "b": 40},
        font={"size": 13, "color": INK, "family": "system-ui, sans-serif"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"bgcolor": "var(--card)", "bordercolor": MUTED, "font": {"color": INK}},
        # Touch must scroll the page, not the figure.
        dragmode=False,
        showlegend=False,
        **layout,
    )
    title = {"standoff": 8, "font": {"size": 13, "color": MUTED}}
    axis = {"gridcolor": GRID, "linecolor": GRID, "zeroline": False, "fixedrange": True}
    figure.update_xaxes(automargin=True, title=title, **axis)
    figure.update_yaxes(automargin=True, title=title, **axis)
    return figure


def name_axis(names: Iterable[str], texts: Iterable[str] | None = None) -> dict[str, Any]:
    """Return the settings of an axis of names in this order.

    Left alone, Plotly takes 2022 for a number and 2022-01-01 for a date.

    Args:
        names: the categories of the axis.
        texts: escaped texts to show in place of the names.
    """
    listed = list(names)
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": [escape(name) for name in listed],
        "tickmode": "array",
        "tickvals": [escape(name) for name in listed],
        "ticktext": list(texts) if texts is not None else [shorten(name) for name in listed],
        "range": [-0.5, len(listed) - 0.5],
    }


def set_row_names(figure: go.Figure, names: Iterable[str]) -> None:
    """Name the y axis from the bottom up; the page takes the shorter names on a phone."""
    listed = list(names)
    figure.update_yaxes(**name_axis(listed))
    figure.update_layout(meta={"narrow": [shorten(name, NARROW) for name in listed]})


def row_meta(row: str, others: str) -> dict[str, str]:
    """Return the `meta` of a trace of one row.

    Args:
        row: the page shows this trace when the row is selected.
        others: what the page does with the trace otherwise, `hide` or `fade`.
    """
    return {"row": row, "others": others}


def rounded(values: Iterable[Any]) -> list[float | None]:
    """Round to four digits, more than a figure shows; None for NaN."""
    numbers = [round(float(value), 4) for value in values]
    return [None if value != value else value for value in numbers]
