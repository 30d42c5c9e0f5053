"""Which row to choose: the best on val, for a row chosen by its test score was partly lucky."""

from __future__ import annotations

import pandas as pd


def chosen_row(results: pd.DataFrame) -> str:
    """Return the honest row of the highest macro F1 on val; of equal ones the first.

    Args:
        results: of `table.results_table`.
    """
    return _highest(results, "val_f1_macro")


def best_row(results: pd.DataFrame) -> str:
    """Return the honest row of the highest macro F1 on test: the chosen one, if it is among them.

    Args:
        results: of `table.results_table`.
    """
    f1, chosen = results.set_index("row")["f1_macro"], chosen_row(results)
    best = _highest(results, "f1_macro")
    return best if f1[best] > f1[chosen] else chosen


def choice_sentence(results: pd.DataFrame) -> str:
    """Say which row to choose, and which is best on test where that is another.

    Args:
        results: of `table.results_table`.
    """
    chosen, best = chosen_row(results), best_row(results)
    if (results["kind"] != "leaky").sum() == 1:
        return f"There is only {chosen} to choose."
    if chosen == best:
        return f"Choose by val: {chosen}; it is best on test as well."
    f1 = results.set_index("row")["f1_macro"]
    return (
        f"Choose by val: {chosen} (macro F1 on test {f1[chosen]:.3f}); best on test: {best} "
        f"({f1[best]:.3f}), which would be partly luck if it were chosen for that."
    )


def _highest(results: pd.DataFrame, score: str) -> str:
    honest = results[results["kind"] != "leaky"]
    return str(honest.sort_values(score, kind="stable", ascending=False)["row"].iloc[0])
