"""New ads against the training ads: planted shifts are found, and ads of the same kind are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from src.core.errors import UserError
from src.predict.drift import Finding, NewAds, compare_ads, finding_lines
from src.predict.reference import (
    Bins,
    Reference,
    read_reference,
    unseen_shares,
    write_reference,
)

N_BEFORE = 2000
CATEGORIES = ["a", "b", "c", "d"]
PROMISED = {
    "n": N_BEFORE, "f1_macro": 0.8, "f1_low": 0.78, "f1_high": 0.82, "accuracy": 0.8,
    "accuracy_low": 0.78, "accuracy_high": 0.82,
}  # fmt: skip


def ads(n: int, seed: int, **changed: Any) -> NewAds:
    """Draw n new ads; the model is right on four of five."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(CATEGORIES, n, p=[0.4, 0.3, 0.2, 0.1])
    wrong = rng.random(n) < 0.2
    predicted = np.where(wrong, rng.permutation(labels), labels)
    prices = np.exp(rng.normal(6, 1, n))
    prices[rng.random(n) < 0.05] = np.nan
    drawn: dict[str, Any] = {
        "has_photo": rng.random(n) < 0.8, "prices": prices,
        "unseen_words": rng.binomial(12, 0.1, n) / 12, "predicted": predicted,
        "confidences": rng.beta(5, 2, n), "labels": labels,
    }  # fmt: skip
    return NewAds(**drawn | changed)


@pytest.fixture(scope="module")
def reference() -> Reference:
    before = ads(N_BEFORE, 0)
    names, counts = np.unique(before.predicted, return_counts=True)
    right = (before.predicted == before.labels).mean()
    return Reference(
        listings=N_BEFORE,
        photos=int(before.has_photo.sum()),
        prices=Bins.of(before.prices),
        unseen_words=Bins.at([n / 50 for n in range(1, 50)], before.unseen_words),
        confidences=Bins.of(before.confidences),
        categories=dict(zip(names.tolist(), counts.tolist(), strict=True)),
        scores=PROMISED | {"accuracy": float(right)},
        category_column="category",
    )


def differing(found: list[Finding]) -> set[str]:
    return {finding.name for finding in found if finding.differs}


def test_ads_of_the_same_kind_alarm_in_one_of_twenty_cases_at_most(reference: Reference) -> None:
    """Of 200 draws 5% may alarm; with the luck of the draw (three standard deviations) 10%."""
    alarms = sum(
        bool(differing(compare_ads(ads(n, seed), reference)))
        for n in (60, 400)
        for seed in range(1, 101)
    )
    assert 1 <= alarms <= 20


N = 300
RNG = np.random.default_rng(9)
SHIFTS: dict[str, tuple[dict[str, Any], str]] = {
    "photos": (
        {"has_photo": RNG.random(N) < 0.6},
        "41% of the new ads have none, 19% of the training ads",
    ),
    "prices": ({"prices": np.exp(RNG.normal(7, 1, N))}, "in training"),
    "words": ({"unseen_words": RNG.binomial(12, 0.2, N) / 12}, "are in no training ad"),
    "confidence": ({"confidences": RNG.beta(5, 3, N)}, "on the test listings 0.71"),
    "categories": ({"predicted": RNG.choice(CATEGORIES, N)}, "furthest apart: a 2"),
}


@pytest.mark.parametrize("name", SHIFTS)
def test_a_planted_shift_is_found_and_said_plainly(name: str, reference: Reference) -> None:
    changed, said = SHIFTS[name]
    found = compare_ads(ads(N, 5, **changed | {"labels": None}), reference)
    assert differing(found) == {name}
    (line,) = (line for line in finding_lines(found) if line.startswith("DIFFERS"))
    assert line.startswith(f"DIFFERS  {name}: ") and said in line and line.endswith(")")


def test_surer_and_better_answers_and_fewer_unseen_words_are_no_alarm(reference: Reference) -> None:
    better = ads(N, 5, confidences=np.full(N, 0.99), unseen_words=np.zeros(N))
    better = replace(better, labels=better.predicted)
    assert differing(compare_ads(better, reference)) == set()


def test_with_labels_the_score_stands_beside_the_promised_one(reference: Reference) -> None:
    worse = ads(N, 5)
    assert worse.labels is not None
    labels = worse.labels.copy()
    labels[:60] = "new"
    labels[60:70] = ""
    (score,) = (
        one
        for one in compare_ads(ads(N, 5, labels=labels), reference)
        if one.name == "score" and one.differs
    )
    accuracy = (labels[60:] == worse.predicted[60:]).sum() / (N - 10)
    assert " on 290 ads with a label, promised 0.800 (0.780–0.820); accuracy " in score.sentence
    assert f"accuracy {accuracy:.3f} (" in score.sentence
    assert score.sentence.endswith("; the labels of 60 ads are no category of the model")


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_ads_that_lack_everything_are_compared(n: int, reference: Reference) -> None:
    nothing = np.full(n, np.nan)
    new = NewAds(np.zeros(n, bool), nothing, nothing, np.array([""] * n), nothing)
    found = {finding.name: finding.p for finding in compare_ads(new, reference)}
    assert set(found) == {"photos", "prices", "words", "confidence", "categories"}
    assert found["words"] == found["confidence"] == found["categories"] == 1


def test_bins_hold_every_number_once() -> None:
    numbers = np.array([0.0, 0, 0, 0, 1, 2, 3, np.nan])
    bins = Bins.of(numbers)
    assert sum(bins.counts) == 7 and bins.missing == 1 and bins.mean == pytest.approx(6 / 7)
    assert Bins.at(bins.edges, np.array([-5.0, 99.0])).counts[0] == 1
    assert Bins.of(np.full(3, np.nan)) == Bins(edges=[], counts=[0], missing=3, mean=0)


def test_a_word_is_unseen_unless_a_training_ad_of_another_group_has_it(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "title_words": ["стол", "стол дубовый", "стул", "стул 900"], "text_words": "",
            "group": ["a", "b", "c", "c"], "photo_row": [0, 1, -1, -1],
            "price": [1.0, 2, 3, np.nan], "category": ["x", "y", "y", "never answered"],
        }
    )  # fmt: skip
    answers = pd.DataFrame({"predicted": ["x", "y"], "predicted_prob": [0.5, 0.7]})
    write_reference(tmp_path, table, answers, PROMISED | {"more": 1}, "category")
    found = read_reference(tmp_path)
    # "дубовый" is half of the second ad; "стул" is only in one group; numbers are no words.
    assert found.unseen_words.mean == pytest.approx((0 + 0.5 + 1 + 1) / 4)
    # They can be told from ads with more, though half of the training ads have none or all.
    assert len(np.flatnonzero(found.unseen_words.counts)) == 3
    assert (found.photos, found.categories) == (
        2,
        {"x": 1, "y": 1, "never answered": 0},
    )
    texts = pd.Series(["стул новый", "стол 100", "77", ""])
    np.testing.assert_array_equal(unseen_shares(tmp_path, texts), [0.5, 0, np.nan, np.nan])
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(word.encode() in files for word in ("стол", "дубовый", "900"))


def test_a_bundle_without_a_reference_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"reference\.json is missing or broken; make the bundle"):
        read_reference(tmp_path)
