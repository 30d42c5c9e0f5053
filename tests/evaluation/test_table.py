"""The results table: its columns, what the Markdown shows, and which row it says to choose."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from src.evaluation.choice import best_row, choice_sentence, chosen_row
from src.evaluation.table import TABLE_COLUMNS, results_markdown, results_table

NO_PAIRS = pd.DataFrame({"sentence": []})


def line(row: str, kind: str, val: float | None, f1: float, **more: Any) -> dict[str, Any]:
    """The scores of one row."""
    scores = {"n": 6, "n_fitted": 20, "val_f1_macro": val, "f1_macro": f1, "accuracy": 0.5}
    return {"row": row, "kind": kind, "weights": "random"} | scores | more


def tables(text: str) -> list[list[dict[str, str]]]:
    """Read the Markdown tables in a text: a list of lines, by heading, of each."""
    found = []
    for block in text.split("\n\n"):
        if block.startswith("|"):
            head, rule, *body = (
                [cell.strip() for cell in one.strip("|\n").split("|")]
                for one in block.strip().splitlines()
            )
            assert all(set(cell) == {"-"} for cell in rule)
            found.append([dict(zip(head, cells, strict=True)) for cells in body])
    return found


def test_the_table_has_its_columns_and_empty_cells_where_a_row_has_no_such_score() -> None:
    results = results_table(
        [
            line(
                "cnn", "image", 0.4, 0.43, f1_low=0.31, f1_high=0.62, ece=0.1234, ece_calibrated=0.1
            ),
            line("leak", "leaky", None, 1.0, n=9),
        ]
    )
    assert list(results) == TABLE_COLUMNS
    assert results["n_test"].tolist() == [6, 9]
    assert results["f1_macro_photo_only"].isna().all()
    text = results_markdown(results, {}, pd.DataFrame({"sentence": ["no difference"]}))
    scores, calibration = tables(text)
    assert scores[0] == {
        "row": "cnn", "kind": "image", "fitted on": "20", "val F1": "0.400",
        "macro F1": "0.430 (0.310–0.620)", "accuracy": "0.500", "first weights": "random",
    }  # fmt: skip
    assert (scores[1]["row"], scores[1]["macro F1"], scores[1]["val F1"]) == (
        "leak (*)", "1.000", "",
    )  # fmt: skip
    assert [one["ECE"] for one in calibration] == ["0.123 → 0.100", ""]
    assert "on the 6 test listings" in text
    assert "(*) Leaky on purpose" in text
    assert "nan" not in text
    assert "Demo" not in text
    assert text.endswith("- no difference\n")


def test_columns_and_notes_that_no_row_needs_are_left_out() -> None:
    alone = results_markdown(results_table([line("tfidf", "text", 0.4, 0.5)]), {}, NO_PAIRS)
    hidden = {"f1_macro_photo_only": 0.3, "f1_macro_text_only": 0.4, "f1_macro_no_price": 0.5}
    fused = results_markdown(
        results_table(
            [
                line("tfidf", "text", 0.4, 0.5),
                line("stack", "fused", 0.5, 0.6, f1_seed_std=0.01, **hidden),
            ]
        ),
        {},
        NO_PAIRS,
    )
    for shown in ("photo only", "text only", "no price", "±"):
        assert shown in fused and shown not in alone
    assert tables(fused)[0][1]["macro F1"] == "0.600 ±0.010"
    # It is made of the rows' weights, and very long.
    assert tables(fused)[0][1]["first weights"] == ""
    assert "Which rows differ" not in alone


def test_a_demo_says_that_it_is_one_and_how_good_a_row_can_be() -> None:
    results = results_table([line("tfidf", "text", 0.4, 0.5)])
    text = results_markdown(results, {"photo": {"f1_macro": 0.9, "accuracy": 0.95}}, NO_PAIRS)
    assert "not results on real ads" in text
    assert "photo 0.900 / 0.950" in text


def test_val_chooses_and_test_judges() -> None:
    results = results_table(
        [
            line("cnn", "image", 0.5, 0.6),
            line("stack", "fused", 0.7, 0.65),
            line("knn", "fused", 0.6, 0.7),
            line("leak", "leaky", None, 1.0),
        ]
    )
    assert (chosen_row(results), best_row(results)) == ("stack", "knn")
    sentence = "Choose by val: stack (macro F1 on test 0.650); best on test: knn (0.700)"
    assert choice_sentence(results).startswith(sentence)
    assert sentence in results_markdown(results, {}, NO_PAIRS)


@pytest.mark.parametrize("first", ["stack", "knn"])
def test_of_rows_that_are_equal_on_test_the_chosen_one_is_best(first: str) -> None:
    lines = [line("stack", "fused", 0.7, 0.65), line("knn", "fused", 0.6, 0.65)]
    results = results_table(lines if first == "stack" else lines[::-1])
    assert best_row(results) == chosen_row(results) == "stack"
    assert choice_sentence(results) == "Choose by val: stack; it is best on test as well."
    assert choice_sentence(results.head(1)) == f"There is only {first} to choose."
    tied = results.assign(val_f1_macro=0.5)
    assert chosen_row(tied) == first
