"""What all figures of the report share: looks, and names that cannot act as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go

# Of the page's style sheet, so that a figure follows the page from light to dark.
KIND_COLORS = {kind: f"var(--{kind})" for kind in ("image", "text", "fused", "leaky")}
SERIES_COLORS = [f"var(--series-{n})" for n in range(1, 9)]
INK, MUTED, GRID = "var(--ink)", "var(--muted)", "var(--grid)"
# Characters of a name beside a figure: on a desk, and on a phone.
WIDE, NARROW = 26, 15


def label(name: str) -> str:
    """Escape a name: Plotly draws a subset of HTML in every text."""
    return html.escape(name, quote=False)


def short(name: str, length: int = WIDE) -> str:
    """Escape a name and cut it to `length` characters."""
    return label(name if len(name) <= length else name[: length - 1].rstrip() + "…")


def figure(height: int, **layout: Any) -> go.Figure:
    """An empty figure of a height in px, without title: the page has that."""
    drawn = go.Figure()
    drawn.update_layout(
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
    drawn.update_xaxes(automargin=True, title=title, **axis)
    drawn.update_yaxes(automargin=True, title=title, **axis)
    return drawn


def name_axis(names: Iterable[str], texts: Iterable[str] | None = None) -> dict[str, Any]:
    """An axis of names in this order; Plotly would take 2022 for a number and a date for a date.

    `texts`, if given, stand there instead of the names; they are drawn as they are.
    """
    listed = list(names)
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": [label(name) for name in listed],
        "tickmode": "array",
        "tickvals": [label(name) for name in listed],
        "ticktext": list(texts) if texts is not None else [short(name) for name in listed],
        "range": [-0.5, len(listed) - 0.5],
    }


def name_rows(fig: go.Figure, names: Iterable[str]) -> None:
    """Name the lines of a figure from below; the page takes the shorter names on a phone."""
    listed = list(names)
    fig.update_yaxes(**name_axis(listed))
    fig.update_layout(meta={"narrow": [short(name, NARROW) for name in listed]})


def of_row(row: str, others: str) -> dict[str, str]:
    """The `meta` of a trace that belongs to a row.

    The page shows the row that is picked; traces of the others it fades or hides.
    """
    return {"row": row, "others": others}


def numbers(values: Iterable[Any]) -> list[float]:
    """Round to what a picture can show; None for what is not a number."""
    rounded = [round(float(value), 4) for value in values]
    return [value if value == value else None for value in rounded]  # type: ignore[misc]
