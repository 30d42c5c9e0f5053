"""The model card: what a reader must find in it, with the numbers that are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from src.core.files import read_json
from src.predict.bundle import BUNDLE_FORMAT, BundleInfo
from src.predict.card import CARD, card_text
from tests.predict.conftest import Pipeline

SCORES = {
    "n": 240, "f1_macro": 0.9046, "f1_low": 0.8631, "f1_high": 0.942, "accuracy": 0.8958,
    "accuracy_low": 0.85, "accuracy_high": 0.9292, "f1_macro_photo_only": 0.674,
    "f1_macro_text_only": 0.756, "f1_macro_no_price": 0.906, "threshold_at_90": 0.5627,
    "share_at_90": 0.8608,
}  # fmt: skip
WEIGHTS: dict[str, Any] = {
    "lite": {"network": "lite0", "weights": "ImageNet (package lite0)", "licence": "Apache 2.0"},
    "texts": {
        "weights": "a: b + c: none",
        "parts": {
            "tiny": {"network": "some/tiny", "weights": "hub some/tiny", "revision": "f" * 40},
            "words": {"network": "", "weights": "none"},
            "old": {"network": "x", "weights": "of another release"},
        },
    },
}


def listings(fold: bool = False) -> pd.DataFrame:
    n = 20
    return pd.DataFrame(
        {
            "category": ["Мебель", "a|b"] * 10, "photo_row": [-1] * 5 + [0] * 15, "title": "стол",
            "text": "", "price": [np.nan] * 2 + [5.0] * 18, "group": ["one"] * 2 + list(range(18)),
            "split": ["train"] * 12 + ["val"] * 4 + ["test"] * 4, "listed": ["2026-01-02"] * n,
            "fold": [k % 5 for k in range(n)] if fold else -1,
        }
    )  # fmt: skip


def card(scores: dict[str, Any] = SCORES, source: str = "table", fold: bool = False) -> str:
    info = BundleInfo(
        format=BUNDLE_FORMAT, rows={"image": "lite", "text": "texts", "fused": "stack"},
        classes=["a|b", "Мебель"], photo_pixels=32, inputs="probs", price=True,
        meta_features=False, temperature=0.5777, columns={}, files=[], versions={},
        fitted_on={"image": 15, "text": 20, "fused": 1}, scores_are_of="these models",
    )  # fmt: skip
    per_class = pd.DataFrame({"category": ["Мебель"], "f1": [0.912], "n": [40]})
    return card_text(info, listings(fold), scores, per_class, WEIGHTS, source)


@pytest.mark.parametrize(
    "said",
    [
        "The row **stack** answers which of 2 categories a listing belongs to, from photo, text,",
        "It reads lite (image) and texts (text). Fitted on 15 listings (image), 20 listings (text)",
        "1 listing (fused).",
        "20 listings from a table of the user's. Posted from 2026-01-02 to 2026-01-02. Split: "
        "train 12, val 4, test 4, over 19 groups of near-duplicates",
        "Missing: photo 25%, text 0%, price 10%. The categories are those that the ads had, or ",
        "that people have put right since; wrong ones are still among them.",
        "| Мебель | 10 | 40 | 0.91 |",
        "| a\\|b | 10 |  |  |",
        "Macro F1 **0.905 (0.863–0.942)**, accuracy **0.896 (0.850–0.929)** on 240 test listings",
        "Macro F1 with the rest hidden: 0.674 from photo, 0.756 from text, 0.906 from photo and",
        "(temperature 0.58)",
        "- a probability of at least **0.563** had 86% of the listings, and 90% of these answers",
        "- no probability is high enough for an accuracy of 95%.",
        "## What it must not be used for",
        "Decisions about people",
        "- lite: `lite0`, ImageNet (package lite0): Apache 2.0",
        "- tiny: `some/tiny`: the licence that https://huggingface.co/some/tiny names",
        "- words: no weights of others",
        "- old: of another release: the licence is not recorded",
    ],
)
def test_the_card_says_it(said: str) -> None:
    assert said in card()


def test_the_demo_is_called_one_and_folds_are_counted() -> None:
    assert "**these are not results about real ads**" in card(source="demo")
    assert "Split: 5 folds, each tested once, over 19 groups" in card(fold=True)
    image_alone = {name: value for name, value in SCORES.items() if "_photo_only" not in name}
    assert "Macro F1 with the rest hidden: 0.756 from text" in card(image_alone)


def test_a_bundle_holds_its_card(bundle: Path, pipeline: Pipeline, tmp_path: Path) -> None:
    text = (bundle / CARD).read_text(encoding="utf-8")
    assert CARD in read_json(bundle / "bundle.json")["files"]
    assert "60 listings from a table" in text and "**0.800 (0.600–0.950)**" in text
    assert "- cnn: no weights of others\n- tfidf: no weights of others\n" in text
    alone = pipeline.bundle(tmp_path / "alone", image_row="", fused_row="")
    assert "The row **tfidf** answers" in (alone / CARD).read_text(encoding="utf-8")
