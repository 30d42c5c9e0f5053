"""Whether new ads are like the training ads: one test for each thing, with Holm's correction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import MonteCarloMethod, chi2_contingency, fisher_exact, mannwhitneyu

from src.core.wording import count_of
from src.evaluation.intervals import score_intervals
from src.evaluation.paired import holm
from src.evaluation.reading import ALPHA, p_text
from src.evaluation.scores import macro_f1
from src.predict.reference import Bins, Reference

# Where a chi-squared test expects fewer ads in a cell, tables are drawn instead.
_FEW = 5
_SEED = 0
# The most categories that are named.
_NAMED = 2


@dataclass(frozen=True)
class NewAds:
    """What is compared of N new ads.

    Attributes:
        has_photo: [N].
        prices: [N], NaN where there is none.
        unseen_words: of `reference.unseen_shares`, [N].
        predicted: the categories answered, [N]; '' without an answer.
        confidences: of the answers, [N]; NaN without one.
        labels: the true categories, [N], '' where there is none; None if nothing has a label.
    """

    has_photo: NDArray[np.bool_]
    prices: NDArray[np.float64]
    unseen_words: NDArray[np.float64]
    predicted: NDArray[np.str_]
    confidences: NDArray[np.float64]
    labels: NDArray[np.str_] | None = None


class Finding(NamedTuple):
    """One comparison: its name, a sentence, and the p value, corrected by Holm."""

    name: str
    sentence: str
    p: float

    @property
    def differs(self) -> bool:
        return self.p < ALPHA


def compare_ads(new: NewAds, reference: Reference) -> list[Finding]:
    """Compare new ads with the training ads, and their score with the promised one.

    The tests take ads as independent; ads that are near-duplicates of each other look surer than
    they are.
    """
    found = [
        _photos(new, reference),
        _prices(new, reference),
        _words(new, reference),
        _confidences(new, reference),
        _categories(new, reference),
    ]
    if new.labels is not None:
        found.append(_scores(new.labels, new.predicted, reference))
    corrected = holm(np.array([finding.p for finding in found]))
    return [one._replace(p=float(p)) for one, p in zip(found, corrected, strict=True)]


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """Return one line for each finding."""
    return [
        f"{'DIFFERS' if one.differs else 'alike  '}  {one.name}: {one.sentence} ({p_text(one.p)})"
        for one in findings
    ]


def _photos(new: NewAds, reference: Reference) -> Finding:
    have, before = int(new.has_photo.sum()), reference.photos
    lacking = (len(new.has_photo) - have, reference.listings - before)
    p = _chi2([have, lacking[0]], [before, lacking[1]])
    return Finding(
        "photos",
        f"{lacking[0] / len(new.has_photo):.0%} of the new ads have none, "
        f"{lacking[1] / reference.listings:.0%} of the training ads",
        p,
    )


def _prices(new: NewAds, reference: Reference) -> Finding:
    before = reference.prices
    now = Bins.at(before.edges, new.prices)
    sentence = (
        f"{_share(now.missing, now):.0%} of the new ads have none, "
        f"{_share(before.missing, before):.0%} of the training ads"
    )
    if before.edges:
        outside = [_share(one.counts[0] + one.counts[-1], one) for one in (now, before)]
        sentence += (
            f"; {outside[0]:.0%} are below {before.edges[0]:,.0f} or from {before.edges[-1]:,.0f} "
            f"on, {outside[1]:.0%} in training"
        )
    p = _chi2([now.missing, *now.counts], [before.missing, *before.counts])
    return Finding("prices", sentence, p)


def _words(new: NewAds, reference: Reference) -> Finding:
    before = reference.unseen_words
    now = Bins.at(before.edges, new.unseen_words)
    return Finding(
        "words",
        f"of the words in a new ad {now.mean:.0%} are in no training ad; among the training ads "
        f"{before.mean:.0%} of the words are in no other",
        _rank_test(now, before, "greater"),
    )


def _confidences(new: NewAds, reference: Reference) -> Finding:
    before = reference.confidences
    now = Bins.at(before.edges, new.confidences)
    return Finding(
        "confidence",
        f"the mean probability of an answer is {now.mean:.2f}, on the test listings "
        f"{before.mean:.2f}",
        _rank_test(now, before, "less"),
    )


def _categories(new: NewAds, reference: Reference) -> Finding:
    now = pd.Series(new.predicted[new.predicted != ""]).value_counts()
    both = pd.DataFrame({"now": now, "before": pd.Series(reference.categories)}).fillna(0)
    shares = both / both.sum().clip(lower=1)
    apart = (shares["now"] - shares["before"]).abs().sort_values(ascending=False, kind="stable")
    most = [
        f"{name} {shares['now'][name]:.0%} of the answers, on the test listings "
        f"{shares['before'][name]:.0%}"
        for name in apart.index[:_NAMED]
    ]
    p = _chi2(both["now"].tolist(), both["before"].tolist())
    return Finding("categories", f"furthest apart: {'; '.join(most)}", p)


def _scores(labels: NDArray[np.str_], predicted: NDArray[np.str_], reference: Reference) -> Finding:
    judged = labels != ""
    actual, predicted = labels[judged], predicted[judged]
    n, promised = len(actual), reference.scores
    right = int((actual == predicted).sum())
    bounds = score_intervals(actual, predicted, np.arange(n).astype(str), _SEED)
    expected = round(promised["accuracy"] * promised["n"])
    sentence = (
        f"macro F1 {macro_f1(actual, predicted):.3f} ({bounds.f1_low:.3f}–{bounds.f1_high:.3f}) on "
        f"{count_of(n, 'ad')} with a label, promised {promised['f1_macro']:.3f} "
        f"({promised['f1_low']:.3f}–{promised['f1_high']:.3f}); accuracy {right / n:.3f} "
        f"({bounds.accuracy_low:.3f}–{bounds.accuracy_high:.3f}), promised "
        f"{promised['accuracy']:.3f} ({promised['accuracy_low']:.3f}–"
        f"{promised['accuracy_high']:.3f})"
    )
    if others := int((~np.isin(actual, list(reference.categories))).sum()):
        sentence += f"; the labels of {count_of(others, 'ad')} are no category of the model"
    table = [[right, n - right], [expected, round(promised["n"]) - expected]]
    return Finding("score", sentence, float(fisher_exact(table, alternative="less").pvalue))


def _share(count: int, bins: Bins) -> float:
    return count / max(bins.missing + sum(bins.counts), 1)


def _chi2(now: list[int], before: list[int]) -> float:
    """Return the p value of Pearson's test that two rows of counts, [K] each, are of one kind."""
    table = np.array([now, before], dtype=np.int64)
    table = table[:, table.sum(0) > 0]
    if table.shape[1] < 2 or not table.sum(1).all():
        return 1.0
    found = chi2_contingency(table, correction=False)
    if found.expected_freq.min() < _FEW:
        drawn = MonteCarloMethod(n_resamples=9_999, rng=np.random.default_rng(_SEED))
        found = chi2_contingency(table, correction=False, method=drawn)
    return float(found.pvalue)


def _rank_test(now: Bins, before: Bins, alternative: str) -> float:
    """Return the p value of Mann and Whitney's one-sided test of numbers in equal bins."""
    places = [np.repeat(np.arange(len(one.counts)), one.counts) for one in (now, before)]
    if not all(map(len, places)) or len(np.unique(np.concatenate(places))) < 2:
        return 1.0
    return float(mannwhitneyu(*places, alternative=alternative, method="asymptotic").pvalue)
