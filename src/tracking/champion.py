"""Whether a model is better than the champion: the paired test on the same test listings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from src.core.wording import count_of
from src.evaluation.reading import ALPHA, p_text

if TYPE_CHECKING:
    import pandas as pd

# Draws the resamples of the interval that is shown; the test itself draws nothing.
_SEED = 0


class Judgement(NamedTuple):
    """Whether a model takes the champion's place, and why, in a sentence without its subject."""

    better: bool
    why: str


def judge(answers: pd.DataFrame, champions: pd.DataFrame, champion: str) -> Judgement:
    """Compare a model with the champion, both by the categories as they are now.

    It is better if it is right on significantly more listings, by the tests of
    `src.evaluation.paired`, and its macro F1 is not lower.

    Args:
        answers: of the model, as in `TrackedBundle`.
        champions: the champion's: id, content, actual, predicted.
        champion: its name in sentences.
    """
    both = answers.merge(champions, on=["id", "content"], suffixes=("", "_champion"))
    others = len(answers) - len(both)
    if others:
        return Judgement(
            False,
            f"it was not compared with {champion}: {others} of its "
            f"{count_of(len(answers), 'test listing')} are others, or were changed since",
        )
    if len(champions) > len(both):
        return Judgement(
            False,
            f"it was not compared with {champion}, which was tested on "
            f"{count_of(len(champions), 'listing')}, this one on only {len(both)} of them",
        )
    if new := {*both["actual"]} ^ {*both["actual_champion"]}:
        return Judgement(
            False,
            f"it was not compared with {champion}: the categories are others, e.g. {min(new)!r}",
        )
    return _compared(both, champion)


def _compared(both: pd.DataFrame, champion: str) -> Judgement:
    import numpy as np

    from src.evaluation.paired import compare

    texts = {name: both[name].to_numpy(dtype=str) for name in both if name != "fold"}
    (line,) = compare(
        texts["actual"],
        {"this": texts["predicted"], "champion": texts["predicted_champion"]},
        texts["group"],
        both["fold"].to_numpy(dtype=np.int64),
        # So that the difference is this model's score minus the champion's.
        {"this": ("champion",)},
        _SEED,
    ).to_dict("records")
    more = line["n_row_only"] > line["n_against_only"] and line["p_holm"] < ALPHA
    better = more and line["f1_difference"] >= 0
    why = (
        f"{'better' if better else 'not significantly better'} than {champion} on the same "
        f"{count_of(len(both), 'test listing')}: right on {line['n_row_only']} that {champion} "
        f"gets wrong, wrong on {line['n_against_only']} that it gets right "
        f"({p_text(line['p_holm'])}), macro F1 {line['f1_difference']:+.3f} "
        f"({line['f1_difference_low']:+.3f} to {line['f1_difference_high']:+.3f})"
    )
    if more and not better:
        why = f"macro F1 is lower, though it is right on more listings: {why}"
    corrected = int((both["actual"] != both["actual_champion"]).sum())
    if corrected:
        why += f"; {count_of(corrected, 'label')} of them corrected since"
    return Judgement(better, why)
