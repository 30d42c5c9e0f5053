"""The results table: its columns, and what the Markdown shows."""

from __future__ import annotations

import pandas as pd

from src.evaluation.table import results_markdown, results_table

NONE = {"n_photo": 0, "f1_macro_photo": None}


def test_the_table_has_its_columns_and_empty_cells_where_a_row_has_no_such_score() -> None:
    photo = {"n_photo": 3, "f1_macro_photo": 0.8, "accuracy_photo": 0.6}
    lines = [
        {
            "row": "cnn",
            "kind": "image",
            "weights": "random",
            "n": 6,
            "f1_macro": 0.43,
            "accuracy": 0.5,
            "f1_low": 0.31,
            "f1_high": 0.62,
            "ece": 0.1234,
        }
        | photo,
        {
            "row": "leak",
            "kind": "leaky",
            "weights": "random",
            "n": 9,
            "f1_macro": 1.0,
            "accuracy": 1.0,
        }
        | photo,
    ]
    results = results_table(lines)
    assert set(results) >= {"row", "kind", "weights", "n_test", "f1_macro", "accuracy", "n_photo"}
    assert results["n_test"].tolist() == [6, 9]
    assert results["f1_macro_photo_only"].isna().all()

    pairs = pd.DataFrame({"sentence": ["no significant difference"]})
    text = results_markdown(results, {}, pairs)
    head, rule, cnn, leak = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[:4]
    )
    assert head == [
        "row", "kind", "n test", "f1 macro", "accuracy", "n photo", "f1 macro photo",
        "accuracy photo", "weights", "ece",
    ]  # fmt: skip
    assert len(head) == len(rule) == len(cnn) == len(leak)
    assert dict(zip(head, cnn, strict=True))["f1 macro"] == "0.430 (0.310–0.620)"
    assert dict(zip(head, leak, strict=True))["f1 macro"] == "1.000"
    assert dict(zip(head, cnn, strict=True))["ece"] == "0.123"
    assert dict(zip(head, leak, strict=True))["ece"] == ""
    assert "`photo`: on its listings with a photo. 95%" in text
    assert "photo only" not in text
    assert leak[0] == "leak (*)"
    assert "(*) Leaky on purpose" in text
    assert "nan" not in text
    assert "Demo" not in text
    assert text.endswith("- no significant difference\n")
    demo = results_markdown(results, {"photo": {"f1_macro": 0.9, "accuracy": 0.95}}, pairs.head(0))
    assert "not results on real ads" in demo
    assert "photo 0.900 / 0.950" in demo


def test_without_photos_the_columns_of_photos_are_not_shown() -> None:
    lines = [{"row": "tfidf", "kind": "text", "weights": "none", "n": 6, "f1_macro": 0.5} | NONE]
    text = results_markdown(results_table(lines), {}, pd.DataFrame())
    assert text.startswith("| row | kind | n test | f1 macro | weights |\n")
    assert "Scores on the test split. 95%" in text
