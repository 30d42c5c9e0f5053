"""What is measured of one row: plain finite numbers, and none that depends on names or order."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from src.evaluation.judged import Judged, measure

NAMES = np.array(["a", "b", "c"])


@pytest.fixture
def judged() -> Judged:
    """A row that is mostly right and not sure enough, on 120 listings in 60 groups."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    logits = 2 * np.eye(3)[y] + rng.normal(0, 1, (120, 3))
    probs = np.exp(logits / 3)
    return Judged(
        row="stack",
        kind="fused",
        weights="none",
        ids=np.arange(120).astype(str),
        actual=NAMES[y],
        groups=(np.arange(120) // 2).astype(str),
        photo=np.arange(120) % 5 > 0,
        classes=NAMES,
        probs=(probs / probs.sum(1, keepdims=True)).astype(np.float32),
        more={"f1_macro_no_price": 0.5},
    )


def test_every_score_is_a_plain_number(judged: Judged) -> None:
    scores = measure(judged, judged.calibrated(7), 7)
    json.dumps(scores)
    assert all(isinstance(value, int | float) and np.isfinite(value) for value in scores.values())
    assert scores["f1_macro_no_price"] == 0.5
    assert scores["f1_low"] < scores["f1_macro"] < scores["f1_high"]
    assert scores["ece_calibrated"] < scores["ece"]
    assert scores["brier_calibrated"] < scores["brier"]
    assert scores["temperature"] < 1
    assert scores["accuracy"] < scores["area_answered"] < 1
    assert 0 < scores["share_at_95"] <= scores["share_at_90"] < 1
    assert scores["threshold_at_90"] <= scores["threshold_at_95"]


def test_the_order_of_the_classes_does_not_matter(judged: Judged) -> None:
    order = np.array([2, 0, 1])
    turned = replace(judged, classes=NAMES[order], probs=judged.probs[:, order])
    assert (NAMES[order][turned.y] == judged.actual).all()
    assert (turned.predicted == judged.predicted).all()
    expected = measure(judged, judged.calibrated(7), 7)
    assert measure(turned, turned.calibrated(7), 7) == pytest.approx(expected, abs=1e-4)


def test_a_target_that_cannot_be_reached_has_no_threshold(judged: Judged) -> None:
    hopeless = replace(judged, actual=np.roll(judged.actual, 1))
    scores = measure(hopeless, hopeless.calibrated(7), 7)
    assert not any(name.startswith(("threshold", "share")) for name in scores)
