"""The audit's numbers, and the formula that predicts what leakage scores."""

from __future__ import annotations

import pandas as pd
import pytest

from src.evaluation.audit import audit, audit_markdown, audit_planted
from tests.made import made_notes, made_table

LEAKY = {
    "n": 18,
    "accuracy": 0.9,
    "accuracy_low": 0.8,
    "accuracy_high": 0.95,
    "share_seen": 0.6,
    "accuracy_seen": 0.98,
    "accuracy_unseen": 0.78,
}
SCORES = {"logreg": {"accuracy": 0.8}, "logreg_leaky": LEAKY}


def test_the_leaky_accuracy_is_predicted_from_the_honest_one() -> None:
    found = audit(made_table(), made_notes(), SCORES, suspected=2, checked=24)
    assert found["leaky"]["accuracy_predicted"] == pytest.approx(0.6 * 0.98 + 0.4 * 0.8)
    assert found["split"] == {
        "kind": "random",
        "group_by": "near_duplicates",
        "groups": 60,
        "groups_crossing": 0,
    }
    text = audit_markdown(found)
    assert "0.908 = 0.600 * 0.980 + 0.400 * 0.800" in text
    assert "is that of logreg, the same head with the same settings on the test split" in text
    assert "Measured: 0.900 (95% confidence interval 0.800 to 0.950)" in text
    assert "would put 4 of them into different splits" in text
    assert "| the same photo, byte by byte |" not in text
    assert "suspects of a wrong category: 2 of 24" in text
    assert "planted" not in text


def test_without_the_honest_row_or_a_seen_listing_nothing_is_predicted() -> None:
    unseen = {k: v for k, v in LEAKY.items() if k != "accuracy_seen"} | {"share_seen": 0.0}
    for scores in ({"logreg_leaky": LEAKY}, SCORES | {"logreg_leaky": unseen}):
        found = audit(made_table(), made_notes(), scores, suspected=0, checked=0)
        assert "accuracy_predicted" not in found["leaky"]
        assert "fitted on" in audit_markdown(found)


def test_what_was_found_is_compared_with_what_was_planted() -> None:
    table = made_table()
    table.loc[[58, 59], "group"] = "g58"
    truth = table[["id", "category"]].assign(group=table["id"])[::-1]
    truth.loc[[50, 51], "category"] = "Часы"
    truth.loc[[57, 58, 59], "group"] = "r57"
    suspected = pd.DataFrame({"id": ["r50", "r40"]})
    found = audit_planted(table, truth, suspected, table["id"][48:], "near_duplicates")
    assert found["duplicate_pairs"] == {"precision": 1, "recall": pytest.approx(1 / 3, abs=1e-6)}
    assert found["wrong_labels"] == {"precision": 0.5, "recall": 0.5, "planted": 2}
    text = audit_markdown(audit(table, made_notes(), SCORES, 2, 12) | {"planted": found})
    assert "| wrong labels (2) | 0.500 | 0.500 |" in text
    by_seller = audit_planted(table, truth, suspected, table["id"][48:], "seller")
    assert by_seller == {"wrong_labels": found["wrong_labels"]}
    text = audit_markdown(audit(table, made_notes(), SCORES, 2, 12) | {"planted": by_seller})
    assert "| wrong labels (2) |" in text and "| pairs of near-duplicates |" not in text


def test_what_test_listings_share_is_shown_for_both_splits() -> None:
    notes = made_notes()
    text = audit_markdown(audit(made_table(), notes, SCORES, 2, 24))
    assert "| the photo file | 2 of 10 (20.0%) | 0 of 10 (0.0%) |" in text
    assert "| a similar text | 6 of 12 (50.0%) | 0 of 12 (0.0%) |" in text
    assert "| another listing of the seller | – | – |" in text
    assert "| similarity to the nearest text, 90% | 0.80 | 0.80 |" in text
    assert "The split here is random, and near-duplicates stay together: 0 of 60 groups" in text
    by_seller = audit_markdown(audit(made_table(), notes | {"group_by": "seller"}, SCORES, 2, 24))
    assert "all listings of a seller, and near-duplicates, stay together" in by_seller
