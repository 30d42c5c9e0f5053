"""The scores of one row are plain finite numbers and do not depend on the order of classes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from src.evaluation.row_evaluation import evaluate_row
from src.evaluation.row_predictions import RowPredictions

NAMES = np.array(["a", "b", "c"])


@pytest.fixture
def predictions() -> RowPredictions:
    """A row that is mostly right and not sure enough, on 120 listings in 60 groups."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    logits = 2 * np.eye(3)[y] + rng.normal(0, 1, (120, 3))
    probs = np.exp(logits / 3)
    return RowPredictions(
        row="stack",
        kind="fused",
        weights="none",
        ids=np.arange(120).astype(str),
        actual=NAMES[y],
        groups=(np.arange(120) // 2).astype(str),
        has_photo=np.arange(120) % 5 > 0,
        classes=NAMES,
        probs=(probs / probs.sum(1, keepdims=True)).astype(np.float32),
        extra_scores={"f1_macro_no_price": 0.5},
    )


def test_every_score_is_a_plain_number(predictions: RowPredictions) -> None:
    scores = evaluate_row(predictions, 7).scores
    json.dumps(scores)
    assert all(isinstance(value, int | float) and np.isfinite(value) for value in scores.values())
    assert scores["f1_macro_no_price"] == 0.5
    assert scores["f1_low"] < scores["f1_macro"] < scores["f1_high"]
    assert scores["ece_calibrated"] < scores["ece"]
    assert scores["brier_calibrated"] < scores["brier"]
    assert scores["log_loss_calibrated"] < scores["log_loss"]
    assert scores["temperature"] < 1
    assert scores["accuracy"] < scores["area_answered"] < 1
    assert 0 < scores["share_at_95"] <= scores["share_at_90"] < 1
    assert scores["threshold_at_90"] <= scores["threshold_at_95"]


def test_the_order_of_the_classes_does_not_matter(predictions: RowPredictions) -> None:
    order = np.array([2, 0, 1])
    turned = replace(predictions, classes=NAMES[order], probs=predictions.probs[:, order])
    assert (NAMES[order][turned.y] == predictions.actual).all()
    assert (turned.predicted == predictions.predicted).all()
    expected = evaluate_row(predictions, 7).scores
    assert evaluate_row(turned, 7).scores == pytest.approx(expected, abs=1e-4)


def test_a_target_that_cannot_be_reached_has_no_threshold(predictions: RowPredictions) -> None:
    hopeless = replace(predictions, actual=np.roll(predictions.actual, 1))
    scores = evaluate_row(hopeless, 7).scores
    assert not any(name.startswith(("threshold", "share")) for name in scores)


def test_the_likeliest_categories_are_in_the_order_of_the_row_s_own_probabilities(
    predictions: RowPredictions,
) -> None:
    probs = np.tile(np.array([0.9999, 2e-8, 1e-8], np.float32), (120, 1))
    probs[1::2] = probs[1::2, [0, 2, 1]]
    sure = replace(predictions, probs=probs, actual=np.full(120, "a"))
    likeliest = evaluate_row(sure, 7).likeliest
    assert likeliest["second"].tolist() == ["b", "c"] * 60
    assert likeliest["third"].tolist() == ["c", "b"] * 60
