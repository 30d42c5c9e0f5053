"""The picture of a row's confusions."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The longest line of a category's name, in characters.
_WIDTH = 40


def draw_confusion(file: Path, title: str) -> Figure:
    """Draw the confusion matrix of a table with the columns actual and predicted.

    Cells show counts and are shaded by their share of the actual category; zeros are left blank.
    Long names are wrapped, and the picture has room for all of them.
    """
    import pandas as pd
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

    pairs = pd.read_csv(file, usecols=["actual", "predicted"], dtype=str, keep_default_na=False)
    labels = sorted({*pairs["actual"], *pairs["predicted"]})
    counts = confusion_matrix(pairs["actual"], pairs["predicted"], labels=labels)
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    shown = ["\n".join(wrap(name, _WIDTH)) for name in labels]
    lines = [line for name in shown for line in name.split("\n")]
    # In inches: a cell has room for the lines of its name, the margin for the longest line.
    room = max(0.45, 0.17 * max(name.count("\n") + 1 for name in shown))
    side = 1.5 + 0.11 * max(map(len, lines)) + room * len(labels)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    display = ConfusionMatrixDisplay(shares, display_labels=shown).plot(
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
        label.set(rotation=45, ha="right", rotation_mode="anchor")
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        # Else "$" would begin a formula.
        label.set(parse_math=False, fontsize=8)
    axes.set(xlabel="predicted", ylabel="actual", title=title)
    return figure
