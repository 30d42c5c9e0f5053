"""The ratios against their targets, as horizontal bars."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from benchmarks.lines import Line

COLOURS = {True: "#2a7f62", False: "#c2572b", None: "#8a8f98"}


def draw(lines: list[Line], path: Path) -> None:
    """Draw every line that has a ratio, from one at the middle, on a logarithmic scale."""
    shown = [line for line in lines if line.ratio is not None and line.ratio > 0][::-1]
    figure = Figure(figsize=(10, 1.2 + 0.36 * len(shown)), layout="constrained")
    axes = figure.subplots()
    for y, line in enumerate(shown):
        assert line.ratio is not None
        # A bar from 1, so that twice as fast and half as fast are of one length.
        axes.barh(y, line.ratio - 1, left=1, height=0.62, color=COLOURS[line.met])
        if line.spread is not None:
            axes.hlines(y, *line.spread, color="black", linewidth=1)
        found = re.search(r"(?:at least|at most|[≥≤])\s*([\d.]*\d)", line.target)
        target = float(found[1]) if found else 1
        if found:
            axes.vlines(target, y - 0.42, y + 0.42, color="black", linewidth=2)
        end = max(target, line.ratio, *(line.spread or ()))
        axes.annotate(f"  {line.ratio:.3g}", (end, y), va="center", fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(range(len(shown)), [line.name for line in shown], fontsize=8)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel(
        "ratio (bar), lowest and highest (thin line), target (tick); green: met, orange: not met"
    )
    axes.margins(y=0.01, x=0.12)
    # Equal figures give equal bytes.
    with mpl.rc_context({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
