"""The page as a file: it needs nothing, nothing on it can act, and it is always the same."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import lxml.html
import pytest

from src.core.schema import Collect, Params, Rows
from src.evaluation.evaluate import evaluate
from src.evaluation.read import read_inputs
from src.evaluation.write import write_evaluation
from src.report.content import page_content
from src.report.render import render, write_report
from src.report.results import Results, read_results
from tests.report.conftest import CHOSEN, HOSTILE, TEXT, TITLE, with_scores

SECTIONS = {
    "headline", "results", "pairs", "categories", "confusion", "calibration", "abstain", "curves",
    "errors", "labels", "audit", "data", "times",
}  # fmt: skip
LARGEST = 8_000_000


@pytest.fixture(scope="module")
def tree(page: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(page)


def test_every_section_is_there_and_every_id_once(tree: lxml.html.HtmlElement) -> None:
    assert {section.get("id") for section in tree.iter("section")} == SECTIONS
    ids = Counter(element.get("id") for element in tree.iter() if element.get("id"))
    assert set(ids.values()) == {1}
    linked = {link.get("href") for link in tree.iter("a")}
    assert linked == {f"#{name}" for name in SECTIONS - {"headline"}}


def test_nothing_is_fetched(page: str, tree: lxml.html.HtmlElement) -> None:
    values = tree.xpath("//@src | //@href | //@srcset | //@action | //@data | //@poster")
    assert values
    assert [value for value in values if not value.startswith(("data:", "#"))] == []
    for style in tree.iter("style"):
        assert not re.search(r"url\(|@import", style.text)
    (script,) = re.findall(r"<script>(\"use strict\".*?)</script>", page, re.DOTALL)
    assert not re.search(r"fetch|XMLHttpRequest|import|eval|innerHTML|https?:", script)


def test_the_browser_is_told_to_fetch_nothing_and_to_run_these_scripts_alone(
    page: str, tree: lxml.html.HtmlElement
) -> None:
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert len(scripts) == 2
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in re.search(r"script-src[^;]*", policy)[0]  # type: ignore[index]


def test_what_a_listing_says_is_text(page: str, tree: lxml.html.HtmlElement) -> None:
    words = " ".join(tree.xpath("//*[@class='words']//text()"))
    assert TITLE in words and TEXT in words
    assert HOSTILE in " ".join(tree.xpath("//section[@id='data']//td//text()"))
    assert not tree.xpath("//img[@onerror]") and not tree.xpath("//b[text()='bold']")
    assert len(list(tree.iter("script"))) == 3
    assert page.count("<!--times-->") == 1
    assert "49" not in words


def test_no_name_acts_inside_a_figure(tree: lxml.html.HtmlElement) -> None:
    (text,) = tree.xpath("//script[@id='figures']/text()")
    assert "<" not in text
    figures = json.loads(text)
    for name, fig in figures.items():
        drawn = json.dumps(fig, ensure_ascii=False)
        # Of markup there is what hover texts and two-line labels need.
        assert set(re.findall(r"<[^>]*>", drawn)) <= {"<br>", "<extra>", "</extra>"}, name
        templates = re.findall(r'"(?:hover|text)template": "([^"]*)"', drawn)
        assert not any("img" in template for template in templates)
    assert "&lt;img" in json.dumps(figures["fig-per-class"])


def test_every_figure_has_its_place(tree: lxml.html.HtmlElement) -> None:
    figures = json.loads(tree.xpath("//script[@id='figures']/text()")[0])
    assert set(tree.xpath("//div[@class='figure']/@id")) == set(figures)
    assert len(figures) == 11
    # A trace of a row can only be shown if the row can be picked.
    rows = set(tree.xpath("//select[@id='row']/option/text()"))
    picked = {t["meta"]["row"] for fig in figures.values() for t in fig["data"] if "meta" in t}
    assert picked == rows == {"cnn", "tfidf", "stack"}


def test_names_that_look_like_numbers_or_like_nothing_stay_names(results: Results) -> None:
    assert set(results.per_class["category"]) == {"2022", "NA", HOSTILE}
    assert set(results.confusion["stack"]["actual"]) == {"2022", "NA", HOSTILE}


def test_equal_results_give_equal_bytes(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        write_report(read_results(*folders), CHOSEN, tmp_path / name)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.html", "two.html"))
    assert one == two
    assert len(one) < LARGEST


def test_results_without_errors_pairs_or_curves_are_shown_too(results: Results) -> None:
    right = results.predictions.assign(predicted=results.predictions["actual"])
    bare = replace(
        results,
        predictions=right,
        label_errors=results.label_errors.iloc[:0],
        pairs=results.pairs.iloc[:0],
        curves={},
        rejected=results.rejected.iloc[:0],
        noted=results.noted.iloc[:0],
        confusion={
            row: pairs.assign(predicted=pairs["actual"]) for row, pairs in results.confusion.items()
        },
    )
    own = CHOSEN.model_copy(update={"collect": Collect.model_construct(source="table")})
    page = render(page_content(bare, own))
    tree = lxml.html.document_fromstring(page)
    figures = json.loads(tree.xpath("//script[@id='figures']/text()")[0])
    assert set(tree.xpath("//div[@class='figure']/@id")) == set(figures)
    assert not {"fig-pairs", "fig-curves", "fig-loss"} & set(figures)
    assert "simulated marketplace" not in page
    assert {section.get("id") for section in tree.iter("section")} == SECTIONS


def test_rows_of_one_kind_make_a_whole_page(folders: tuple[Path, Path], tmp_path: Path) -> None:
    data = shutil.copytree(folders[1], tmp_path / "data")
    rows = Rows(image=[], text=["tfidf"], fused=[])
    write_evaluation(
        evaluate(read_inputs(data, rows, "", "tfidf"), seed=7),
        tmp_path / "metrics",
        data / "evaluation",
    )
    alone = CHOSEN.model_copy(update={"model": "", "fused_model": ""})
    page = render(page_content(read_results(tmp_path / "metrics", data), alone))
    assert "There are only text rows, so nothing is fused." in page
    assert "There is nothing to compare." in page
    assert "The fused rows combine" not in page
    assert re.search(r"<h2>tfidf: \d+ of 30 test listings correct</h2>", page)
    assert "photo only" not in page and "It was chosen among" not in page


def words_of(results: Results, params: Params = CHOSEN) -> str:
    """Return the text of the page."""
    text = lxml.html.document_fromstring(render(page_content(results, params))).text_content()
    return " ".join(text.split())


def test_val_chooses_the_row_on_top_and_a_better_one_on_test_is_named(results: Results) -> None:
    words = words_of(with_scores(results, "cnn", f1_macro=0.99))
    assert "stack, the best row on val: " in words
    assert "by its macro F1 on val, 1.000, and is judged on test." in words
    assert "On test cnn is best, but" in words
    assert "On test" not in words_of(with_scores(results, "stack", f1_macro=0.99))


def test_a_bundle_of_another_row_than_the_chosen_one_is_told(results: Results) -> None:
    made_by = "Predictions for new listings are made by"
    assert made_by not in words_of(results)
    other = CHOSEN.model_copy(update={"fused_model": "nn"})
    assert f"{made_by} nn, which params.yaml names, and not by stack." in words_of(results, other)


def test_the_table_has_val_scores_counts_and_spread(results: Results) -> None:
    assert "±" not in words_of(results)
    spread = results.table.assign(f1_seed_std=0.0123, accuracy_seed_std=0.0046)
    page = render(page_content(replace(results, table=spread), CHOSEN))
    (table,) = lxml.html.document_fromstring(page).xpath("//section[@id='results']//table")
    head = [cell.text_content() for cell in table.iter("th")]
    lines = [[cell.text_content() for cell in line] for line in table.xpath(".//tbody/tr")]
    assert head[:5] == ["row", "fitted on", "F1 on val", "macro F1", "accuracy"]
    (stack,) = (line for line in lines if line[0] == "stack")
    assert stack[1:3] == ["84", "1.000"]
    assert stack[3].endswith("±0.012") and stack[4].endswith("±0.005")
    (leaky,) = (line for line in lines if line[0] == "logreg_leaky (*)")
    assert leaky[2] == ""
    assert "±: the standard deviation over the seeds" in page


def test_the_calibration_table_has_log_losses(results: Results) -> None:
    page = render(page_content(results, CHOSEN))
    (table,) = lxml.html.document_fromstring(page).xpath("//section[@id='calibration']//table")
    lines = {line[0].text_content(): line for line in table.xpath(".//tbody/tr")}
    scores = results.scores["stack"]
    shown = [cell.text_content() for cell in lines["stack"]]
    assert shown[1] == f"{scores['log_loss']:.3f} → {scores['log_loss_calibrated']:.3f}"
    assert shown[3] == f"{scores['brier']:.3f} → {scores['brier_calibrated']:.3f}"


def test_folds_are_told_where_the_tests_and_the_choice_depend_on_them(results: Results) -> None:
    folds = replace(results, listings=results.listings.assign(fold=results.listings.index % 5))
    for words in ("corrected resampled t-test", "in different rounds"):
        assert words in words_of(folds) and words not in words_of(results)
