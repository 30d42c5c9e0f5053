"""The picture of a row's confusions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_confusion(file: Path, title: str) -> Figure:
    """Draw the confusion matrix of a table with the columns actual and predicted.

    Cells show counts and are shaded by their share of the actual category; zeros are left blank.
    """
    import pandas as pd
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

    pairs = pd.read_csv(file, usecols=["actual", "predicted"], dtype=str, keep_default_na=False)
    labels = sorted({*pairs["actual"], *pairs["predicted"]})
    counts = confusion_matrix(pairs["actual"], pairs["predicted"], labels=labels)
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    side = 3 + 0.45 * len(labels)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    display = ConfusionMatrixDisplay(shares, display_labels=labels).plot(
        ax=axes,
        cmap="Blues",
        colorbar=False,
        im_kw={"vmin": 0, "vmax": 1},
        text_kw={"fontsize": 8},
    )
    for cell, count in zip(display.text_.flat, counts.flat, strict=True):
        if count:
            cell.set_text(count)
        else:
            cell.remove()
    for label in axes.get_xticklabels():
        label.set(rotation=45, ha="right")
    axes.set(xlabel="predicted", ylabel="actual", title=title)
    return figure
