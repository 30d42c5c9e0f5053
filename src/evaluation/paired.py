"""Which rows differ: exact McNemar tests on the same listings, with Holm's correction."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest

from src.evaluation.intervals import difference_intervals
from src.evaluation.scores import macro_f1

# Corrected p values below this are significant.
ALPHA = 0.05
PAIR_COLUMNS = [
    "row", "against", "n_row_only", "n_against_only", "p", "p_holm",
    "f1_difference", "f1_difference_low", "f1_difference_high", "sentence",
]  # fmt: skip


@dataclass(frozen=True)
class McNemar:
    """How many listings only one of two rows gets right, and the p value of the test."""

    first_only: int
    second_only: int
    p: float


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> McNemar:
    """Compare two rows on the same listings, [N] each, by the exact two-sided test.

    McNemar, "Note on the sampling error of the difference between correlated proportions" (1947).
    Listings count as independent here, near-duplicates too; the interval of the difference in
    pairs.csv resamples them by group.
    """
    first, second = (
        int((first_right & ~second_right).sum()),
        int((second_right & ~first_right).sum()),
    )
    p = binomtest(first, first + second).pvalue if first + second else 1.0
    return McNemar(first, second, float(p))


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the p values, [M], corrected for multiple testing.

    Holm, "A simple sequentially rejective multiple test procedure" (1979).
    """
    order = np.argsort(p_values)
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


def compare(
    actual: NDArray[np.str_],
    predicted: dict[str, NDArray[np.str_]],
    groups: NDArray[np.str_],
    inputs: dict[str, tuple[str, ...]],
    seed: int,
) -> pd.DataFrame:
    """Compare each row with the next below it, and each fused row with its best input.

    Args:
        actual, groups: categories and near-duplicate groups of the listings, [N].
        predicted: the categories that each row predicts, [N], by row.
        inputs: the rows that each fused row reads, by fused row.

    Returns:
        One line per pair: row, against, n_row_only and n_against_only (listings that only this
        row gets right), p, p_holm, f1_difference with its 95% confidence interval (_low, _high),
        sentence.
    """
    f1 = {row: macro_f1(actual, names) for row, names in predicted.items()}
    pairs = [(row, max(read, key=f1.__getitem__)) for row, read in inputs.items()]
    for pair in pairwise(sorted(f1, key=lambda row: -f1[row])):
        if pair not in pairs and pair[::-1] not in pairs:
            pairs.append(pair)
    lines = []
    for row, against in pairs:
        found = mcnemar(predicted[row] == actual, predicted[against] == actual)
        bounds = difference_intervals(actual, predicted[row], predicted[against], groups, seed)
        lines.append(
            {
                "row": row,
                "against": against,
                "n_row_only": found.first_only,
                "n_against_only": found.second_only,
                "p": found.p,
                "p_holm": np.nan,
                "f1_difference": f1[row] - f1[against],
                "f1_difference_low": bounds.f1_low,
                "f1_difference_high": bounds.f1_high,
                "sentence": "",
            }
        )
    table = pd.DataFrame(lines, columns=PAIR_COLUMNS)
    table["p_holm"] = holm(table["p"].to_numpy(dtype=float))
    table["sentence"] = [_sentence(line) for line in table.to_dict("records")]
    return table


def p_text(p: float) -> str:
    """Return a p-value as people write it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _sentence(line: dict[Any, Any]) -> str:
    names = [line["row"], line["against"]]
    counts = [line["n_row_only"], line["n_against_only"]]
    if counts[1] > counts[0]:
        names, counts = names[::-1], counts[::-1]
    p = p_text(line["p_holm"])
    numbers = f"(only {names[0]}: {counts[0]}, only {names[1]}: {counts[1]}; {p} after Holm)"
    if line["p_holm"] < ALPHA:
        return f"{names[0]} is right on more listings than {names[1]} {numbers}"
    return f"no significant difference between {names[0]} and {names[1]} {numbers}"
