"""What the page is put together from: which examples, which sentences, which times."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from src.core.timing import run_stage
from src.report.examples import doubted_labels, errors, spread
from src.report.facts import answered, data_facts, headline, not_told_apart
from src.report.mistakes import counted, most_confused
from src.report.plots import label, short
from src.report.results import Results
from src.report.thumbs import SIDE, thumbnail
from src.tracking.times import stage_seconds, with_times


def test_examples_come_in_turn_over_the_categories_and_the_surest_first() -> None:
    table = pd.DataFrame(
        {"id": list("abcde"), "kind": list("xxxyz"), "sure": [0.9, 0.8, 0.7, 0.6, 0.1]}
    )
    assert spread(table, "kind", "sure", 3)["id"].tolist() == ["a", "d", "e"]
    assert spread(table, "kind", "sure", 4)["id"].tolist() == ["a", "b", "d", "e"]
    assert len(spread(table, "kind", "sure", 9)) == 5


def test_errors_are_wrong_and_tell_the_three_likeliest(results: Results) -> None:
    cards = errors(results, "stack")
    assert cards
    for card in cards:
        probs = [guess["prob"] for guess in card["guesses"]]
        assert len(probs) == 3 and probs == sorted(probs, reverse=True)
        assert card["guesses"][0]["name"] != card["actual"]
        assert [g["name"] for g in card["guesses"] if g["right"]] in ([], [card["actual"]])
    assert len(errors(results, "stack", limit=2)) == 2
    assert {card["photo"] is None for card in cards} == {True, False}


def test_label_errors_come_from_the_list_by_rank(results: Results) -> None:
    first = results.label_errors.sort_values("rank")["id"].iloc[0]
    cards = doubted_labels(results, limit=4)
    assert cards[0]["id"] == first
    assert all(card["given"] != card["likelier"] for card in cards)


def test_a_thumbnail_is_a_small_picture_inside_its_address() -> None:
    pixels = np.full((160, 160, 3), (200, 10, 10), np.uint8)
    uri = thumbnail(pixels)
    assert uri == thumbnail(pixels.copy())
    kind, _, content = uri.partition(",")
    assert kind == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.size == (SIDE, SIDE)


def test_the_headline_is_of_the_best_honest_row(results: Results) -> None:
    found = headline(results)
    honest = results.table[results.table["kind"] != "leaky"]
    assert found["f1_macro"] == honest["f1_macro"].max()
    assert found["row"] != "logreg_leaky"
    pairs = results.confusion[found["row"]]
    assert found["right"] == (pairs["actual"] == pairs["predicted"]).sum()


def test_rows_that_no_test_tells_apart() -> None:
    pairs = pd.DataFrame({"row": ["a", "a", "b"], "against": ["b", "c", "c"], "p_holm": [1, 0, 1]})
    assert not_told_apart(pairs, "a") == ["b"]
    assert not_told_apart(pairs, "c") == ["b"]


def test_targets_that_a_row_does_not_reach_are_left_out() -> None:
    scores = {"share_at_90": 0.5, "threshold_at_90": 0.7, "f1_macro": 1}
    assert answered(scores) == {0.9: {"share": 0.5, "threshold": 0.7}}


def test_data_facts_add_up(results: Results) -> None:
    facts = data_facts(results)
    assert sum(line["all"] for line in facts["categories"]) == facts["listings"]
    assert all(sum(line["parts"]) == line["all"] for line in facts["categories"])
    without = sum(line["no_photo"] for line in facts["categories"])
    assert without == (results.listings["photo_row"] < 0).sum()
    steps = {(step, n) for step, _, n in facts["set_aside"]}
    assert steps == {
        ("collecting, set aside", 2),
        ("collecting, noted", 2),
        ("preparing, photo not used", 3),
        ("preparing, set aside", 2),
        ("preparing, set aside", 1),
    }


def test_confusions_are_counted() -> None:
    pairs = pd.DataFrame({"actual": list("aaab"), "predicted": list("abba")})
    assert counted(pairs, ["a", "b", "c"]).tolist() == [[1, 2, 0], [1, 0, 0], [0, 0, 0]]
    assert most_confused(pairs).to_dict("records") == [
        {"actual": "a", "predicted": "b", "n": 2, "of": 3}
    ]


def test_names_are_cut_before_they_are_escaped() -> None:
    assert label("a<b>&") == "a&lt;b&gt;&amp;"
    assert short("&&&&&", 3) == "&amp;&amp;…"


def test_a_stage_leaves_its_time_and_a_failed_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise ValueError("of our own")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["/somewhere/stages/train_image.py", "cnn"])
    with pytest.raises(ValueError, match="our own"):
        run_stage(fails)
    assert not (tmp_path / "data").exists()
    run_stage(lambda: None)
    entry = {"cmd": "python -m stages.train_image cnn"}
    other = {"cmd": "python -m stages.train_image resnet50"}
    lock = {"stages": {"train_image@cnn": entry, "train_image@resnet50": other}}
    (tmp_path / "dvc.lock").write_text(json.dumps(lock))
    assert list(stage_seconds(tmp_path)) == ["train_image@cnn"]
    assert stage_seconds(tmp_path)["train_image@cnn"] >= 0
    monkeypatch.setattr("sys.argv", ["/somewhere/stages/collect.py", "--limit", "9"])
    run_stage(lambda: None)
    assert [path.name for path in (tmp_path / "data/times").iterdir()] == ["train_image@cnn.json"]


def test_times_stand_in_their_place(page: str) -> None:
    timed = with_times(page, {"train_image@cnn": 33.1, r"odd<\1>": 2.0})
    assert "<td>train_image@cnn</td><td>33.1 s</td>" in timed
    assert r"<td>odd&lt;\1&gt;</td>" in timed
    assert "<!--times-->" not in timed
    assert with_times(page, {}) == page
