"""Which rows differ: tests on the same listings, with Holm's correction.

McNemar's exact test takes the fitted models as given. Over folds their training listings overlap
and another training set would give other models, so there the corrected resampled t-test must
agree: of equally good rows over five folds (400 simulated pairs, 300 and 1,200 listings) McNemar's
test called 8% and 6% different at the level of 5%, both together 1%.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest
from scipy.stats import t as student_t

from src.evaluation.intervals import difference_intervals
from src.evaluation.reading import ALPHA, p_text
from src.evaluation.scores import macro_f1

PAIR_COLUMNS = [
    "row", "against", "n_row_only", "n_against_only",
    "p", "p_resampled", "p_resampled_f1", "p_holm",
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


def corrected_resampled_t_test(differences: NDArray[np.float64]) -> float:
    """Return the two-sided p value of the differences of two rows' scores in K folds, [K].

    Nadeau and Bengio, "Inference for the generalization error" (2003): the variance of the mean is
    (1/K + test listings / train listings) times that of the folds, because training sets overlap;
    of K folds, each is tested on by models that were fitted on the other K - 1.
    """
    folds = len(differences)
    mean, variance = differences.mean(), differences.var(ddof=1)
    if variance == 0:
        return float(mean == 0)
    t = mean / np.sqrt((1 / folds + 1 / (folds - 1)) * variance)
    return float(2 * student_t.sf(abs(t), folds - 1))


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
    folds: NDArray[np.int64],
    inputs: dict[str, tuple[str, ...]],
    seed: int,
) -> pd.DataFrame:
    """Compare each row with the next below it, and each fused row with its best input.

    Args:
        actual, groups: categories and near-duplicate groups of the listings, [N].
        predicted: the categories that each row predicts, [N], by row.
        folds: the fold of each listing, [N]; -1 without cross-validation.
        inputs: the rows that each fused row reads, by fused row.

    Returns:
        One line per pair: row, against, n_row_only and n_against_only (listings that only this
        row gets right), p (McNemar's test), p_resampled and p_resampled_f1 (the corrected
        resampled t-test of accuracy and of macro F1; NaN without folds), p_holm (of the larger of p
        and p_resampled), f1_difference with its 95% confidence interval (_low, _high), sentence.
    """
    f1 = {row: macro_f1(actual, names) for row, names in predicted.items()}
    pairs = [(row, max(read, key=f1.__getitem__)) for row, read in inputs.items()]
    for pair in pairwise(sorted(f1, key=lambda row: -f1[row])):
        if pair not in pairs and pair[::-1] not in pairs:
            pairs.append(pair)
    lines = []
    for row, against in pairs:
        found = mcnemar(predicted[row] == actual, predicted[against] == actual)
        by_fold = _fold_differences(actual, predicted[row], predicted[against], folds)
        bounds = difference_intervals(actual, predicted[row], predicted[against], groups, seed)
        lines.append(
            {
                "row": row,
                "against": against,
                "n_row_only": found.first_only,
                "n_against_only": found.second_only,
                "p": found.p,
                **{name: corrected_resampled_t_test(d) for name, d in by_fold.items()},
                "p_holm": np.nan,
                "f1_difference": f1[row] - f1[against],
                "f1_difference_low": bounds.f1_low,
                "f1_difference_high": bounds.f1_high,
                "sentence": "",
            }
        )
    table = pd.DataFrame(lines, columns=PAIR_COLUMNS)
    # The larger p: both tests must agree. `max` skips the missing one of a single split.
    table["p_holm"] = holm(table[["p", "p_resampled"]].max(axis=1).to_numpy(dtype=float))
    table["sentence"] = [_sentence(line) for line in table.to_dict("records")]
    return table


def _fold_differences(
    actual: NDArray[np.str_],
    first: NDArray[np.str_],
    second: NDArray[np.str_],
    folds: NDArray[np.int64],
) -> dict[str, NDArray[np.float64]]:
    """Return the differences of accuracy and macro F1 in each fold, [K], by column of the p value.

    {} without folds.
    """
    if folds.max() < 1:
        return {}
    accuracy, f1 = [], []
    for fold in np.unique(folds):
        names, one, other = (values[folds == fold] for values in (actual, first, second))
        accuracy.append((one == names).mean() - (other == names).mean())
        f1.append(macro_f1(names, one) - macro_f1(names, other))
    return {"p_resampled": np.array(accuracy), "p_resampled_f1": np.array(f1)}


def _sentence(line: dict[Any, Any]) -> str:
    names = [line["row"], line["against"]]
    counts = [line["n_row_only"], line["n_against_only"]]
    if counts[1] > counts[0]:
        names, counts = names[::-1], counts[::-1]
    tests = ""
    if pd.notna(line["p_resampled"]):
        tests = (
            f"McNemar {p_text(line['p'])}, corrected resampled t-test "
            f"{p_text(line['p_resampled'])}; "
        )
    numbers = (
        f"(only {names[0]}: {counts[0]}, only {names[1]}: {counts[1]}; "
        f"{tests}{p_text(line['p_holm'])} after Holm)"
    )
    if line["p_holm"] < ALPHA:
        return f"{names[0]} is right on more listings than {names[1]} {numbers}"
    return f"no significant difference between {names[0]} and {names[1]} {numbers}"
