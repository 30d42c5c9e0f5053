"""The picture of a row's confusions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_confusion(file: Path, title: str) -> Figure:
    """Draw a table with columns actual and predicted as counts, shaded by each row's share."""
    import pandas as pd
    from matplotlib.figure import Figure

    pairs = pd.read_csv(file, usecols=["actual", "predicted"], dtype=str, keep_default_na=False)
    labels = sorted({*pairs["actual"], *pairs["predicted"]})
    table = pd.crosstab(pairs["actual"], pairs["predicted"])
    counts = table.reindex(index=labels, columns=labels, fill_value=0).to_numpy()
    side = 3 + 0.45 * len(labels)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in zip(*counts.nonzero(), strict=True):
        color = "white" if shares[i, j] > 0.5 else "black"
        axes.text(j, i, counts[i, j], ha="center", va="center", color=color, fontsize=8)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted", ylabel="actual", title=title)
    return figure
