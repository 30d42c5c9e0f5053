"""Heads on features of both models and the price, against scikit-learn in float64 by default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.bounds import sgemm, share
from benchmarks.compare import Compared, compare
from benchmarks.lines import Line, line
from src.fusion.heads import make_head

CLASSES = 17
# Columns of EfficientNet-Lite0, of rubert-tiny2, and the price.
WIDTHS = (1280, 312, 1)
LEAST = 1.3
# Rounding may turn over one listing in a thousand.
SAME = 0.999
LOGREG: dict[str, Any] = {"max_iter": 1000}
KNN: dict[str, Any] = {"n_neighbors": 15, "weights": "distance"}


def run(quick: bool) -> list[Line]:
    rows = 2200 if quick else 17_600
    size = f"{rows} x {sum(WIDTHS)}"
    return [
        judged(f"heads: logistic regression on {size}", "logreg", LOGREG, rows, quick),
        judged(
            f"heads: {KNN['n_neighbors']} nearest neighbours of {rows // 4} among {size}",
            "knn", KNN, rows, quick,
        ),
    ]  # fmt: skip


def judged(name: str, kind: str, settings: dict[str, Any], rows: int, quick: bool) -> Line:
    """Faster with the same predictions, or no more than scikit-learn's own call in float32."""
    compared = _compared(kind, settings, rows, quick)
    head = make_head(kind, settings, CLASSES, seed=7)["head"]
    own = type(head).predict_proba.__module__.startswith("sklearn.")
    same = (compared.ours.argmax(1) == compared.plain.argmax(1)).mean()
    apart = np.abs(compared.ours - compared.plain).max()
    note = f"{100 * same:.2f} % of predictions equal, probabilities within {apart:.1g}"
    if own:
        note = f"scikit-learn's own call, in float32; {note}"
    found = line(name, compared, at_least=LEAST, note=note)
    # Each that is asked about is compared with each that was learned from.
    products = rows * (rows // 4) * 2 * sum(WIDTHS) / sgemm()
    bound = share("sgemm in float32", products, compared.ours_s) if kind == "knn" else ""
    return found._replace(
        bound=bound,
        target=f"at least {LEAST}, or scikit-learn's own call; same predictions",
        met=bool(same >= SAME and (compared.ratio >= LEAST or own)),
    )


def _compared(kind: str, settings: dict[str, Any], rows: int, quick: bool) -> Compared:
    given = {"kind": kind, "settings": settings, "rows": rows}
    return compare((ours, given), (plain, given), rounds=3 if quick else 4)


def ours(kind: str, settings: dict[str, Any], rows: int) -> Callable[[], NDArray[np.float64]]:
    """The head as fusion makes it, on blocks in float32."""
    return _timed(make_head(kind, settings, CLASSES, seed=7), *blocks(rows))


def plain(kind: str, settings: dict[str, Any], rows: int) -> Callable[[], NDArray[np.float64]]:
    """scikit-learn's class with the same settings, on the same numbers in float64."""
    x, y, asked = blocks(rows)
    if kind == "knn":
        head: Any = KNeighborsClassifier(**settings, algorithm="brute")
    else:
        head = LogisticRegression(**settings)
    return _timed(
        make_pipeline(StandardScaler(), head), x.astype(np.float64), y, asked.astype(np.float64)
    )


def _timed(
    head: Any, x: NDArray[Any], y: NDArray[np.int64], asked: NDArray[Any]
) -> Callable[[], NDArray[np.float64]]:
    def fit_and_predict() -> NDArray[np.float64]:
        probs: NDArray[np.float64] = head.fit(x, y).predict_proba(asked)
        return probs

    return fit_and_predict


def blocks(
    rows: int, seed: int = 7
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Features to fit on [N, 1593], their unbalanced classes [N], and others to ask about [N/4].

    A network's features are a few dozen factors seen through many columns, none below zero; rows of
    a block are of unit length, as fusion scales them.
    """
    rng = np.random.default_rng(seed)
    n = rows + rows // 4
    share = 0.8 ** np.arange(CLASSES)
    y = rng.choice(CLASSES, n, p=share / share.sum())
    found = []
    for width in WIDTHS:
        factors = min(64, width)
        hidden = rng.standard_normal((CLASSES, factors))[y] * 0.35
        hidden += rng.standard_normal((n, factors))
        x = hidden @ rng.standard_normal((factors, width)) + rng.standard_normal((n, width))
        if width > 1:
            x = np.maximum(x, 0)
            x /= np.linalg.norm(x, axis=1, keepdims=True)
        found.append(x.astype(np.float32))
    columns = np.concatenate(found, axis=1)
    # Without wrong labels the classes could be told apart at once.
    wrong = rng.random(n) < 0.02
    y = np.where(wrong, rng.integers(0, CLASSES, n), y)
    return columns[:rows], y[:rows], columns[rows:]
