"""Evaluating a small folder of data: every file is written, and no file of a removed row stays."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from src.artifacts.outputs import LeakError, RowOutput
from src.core.files import read_json, write_json
from src.core.listings import PREPARED, write_listings
from src.core.rounds import cv_rounds
from src.core.schema import Rows
from src.evaluation.evaluate import Evaluation, evaluate
from src.evaluation.read import read_inputs
from src.evaluation.row_predictions import fused_predictions, model_predictions
from src.evaluation.write import write_evaluation
from src.fusion.predictions import Predictions
from tests.made import (
    labels,
    made_notes,
    made_output,
    made_predictions,
    made_table,
    one_hot,
)

ROWS = Rows(image=["cnn", "resnet50"], text=["tfidf"], fused=["stack"])


@pytest.fixture
def table() -> pd.DataFrame:
    """Listings of which two of the test split have no photo."""
    table = made_table()
    table.loc[[50, 51], "photo_row"] = -1
    return table


@pytest.fixture
def data(table: pd.DataFrame, tmp_path: Path) -> Path:
    """The folder that the stages before would have written."""
    data = tmp_path / "data"
    text = made_output(table)
    image = _with_photo(table, text)
    for row, output in (("cnn", image), ("resnet50", image), ("tfidf", text)):
        output.save(data / "embeddings" / row)
        write_json(data / "weights" / row / "source.json", {"weights": f"of {row}"})
    for row in ("cnn", "resnet50"):
        curves = pd.DataFrame({"epoch": [1, 2], "val_f1_macro": [0.5, 0.6]})
        (data / "checkpoints" / row).mkdir(parents=True)
        curves.to_csv(data / "checkpoints" / row / "curves.csv", index=False)
    made_predictions(table).save(data / "predictions" / "stack.npz")
    _leaky(table).save(data / "predictions" / "leaky.npz")
    write_json(data / "prepared" / "notes.json", made_notes())
    write_listings(table, data / "prepared" / "listings.parquet", PREPARED)
    return data


def _with_photo(table: pd.DataFrame, output: RowOutput) -> RowOutput:
    """Leave out the listings that have no photo."""
    ids = table["id"].to_numpy(dtype=str)[table["photo_row"].to_numpy() >= 0]
    parts = (output.full, output.out_of_fold)
    return RowOutput(*(part.subset(np.isin(part.ids, ids)) for part in parts))


def _leaky(table: pd.DataFrame) -> Predictions:
    """Predictions of every third listing, of which the first half was seen."""
    chosen = np.arange(len(table)) % 3 == 0
    none = {"without": {}, "val_ids": np.empty(0, str), "val_probs": np.empty((0, 3), np.float32)}
    return made_predictions(table, chosen, seen=np.arange(chosen.sum()) < 10, **none)


def run(data: Path, metrics: Path, rows: Rows = ROWS) -> Evaluation:
    """Evaluate a folder of data as the stage does."""
    evaluation = evaluate(read_inputs(data, rows, "cnn", "tfidf"), seed=7)
    write_evaluation(evaluation, metrics, data / "evaluation")
    return evaluation


def written(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_every_row_has_its_files(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "metrics"
    results = run(data, out).table
    rows = {"cnn": "image", "resnet50": "image", "tfidf": "text", "stack": "fused"}
    assert written(out) == {
        "table.csv",
        "table.md",
        "per_class.csv",
        "ceilings.json",
        "audit.json",
        "audit.md",
        "pairs.csv",
        "leaky/logreg_leaky.json",
        "curves/cnn.csv",
        "curves/resnet50.csv",
        *(f"{kind}/{row}.json" for row, kind in rows.items()),
        *(f"{kind}/{row}.csv" for row in rows for kind in ("confusion", "reliability", "abstain")),
    }
    assert written(data / "evaluation") == {
        "label_errors.parquet",
        "nearest.parquet",
        "predictions.parquet",
        "temperature.json",
    }
    table_csv = pd.read_csv(out / "table.csv")
    assert table_csv["row"].tolist() == [*rows, "logreg_leaky"] == results["row"].tolist()
    assert table_csv["kind"].tolist() == [*rows.values(), "leaky"]
    assert table_csv["n_test"].tolist() == [12] * 4 + [20]
    assert table_csv["weights"].tolist() == [
        "of cnn", "of resnet50", "of tfidf", *["cnn: of cnn + tfidf: of tfidf"] * 2
    ]  # fmt: skip
    assert set(pd.read_csv(out / "per_class.csv")["row"]) == set(rows)
    assert len(pd.read_csv(out / "confusion" / "cnn.csv")) == 12
    assert (table_csv["f1_low"] <= table_csv["f1_macro"]).all()
    assert (
        table_csv[["f1_high", "accuracy_low", "accuracy_high", "ece", "ece_calibrated"]]
        .notna()
        .all(None)
    )
    pairs = pd.read_csv(out / "pairs.csv")
    assert {"stack", "tfidf", "cnn", "resnet50"} == {*pairs["row"], *pairs["against"]}


def test_evaluating_writes_nothing_until_it_is_written(data: Path) -> None:
    before = written(data)
    evaluation = evaluate(read_inputs(data, ROWS, "cnn", "tfidf"), seed=7)
    assert written(data) == before
    assert [row.row for row in evaluation.rows] == [*ROWS.image, *ROWS.text, *ROWS.fused] + [
        "logreg_leaky"
    ]
    assert [row.row for row in evaluation.honest] == ["cnn", "resnet50", "tfidf", "stack"]
    assert set(evaluation.curves) == {"cnn", "resnet50"}


def test_what_is_written_of_each_listing_stays_out_of_the_metrics(
    table: pd.DataFrame, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "metrics"
    run(data, out)
    likeliest = pd.read_parquet(data / "evaluation" / "predictions.parquet")
    assert likeliest.groupby("row").size().to_dict() == dict.fromkeys(
        ("cnn", "resnet50", "tfidf", "stack"), 12
    )
    assert set(likeliest["id"]) == set(table["id"][table["split"] == "test"])
    places = likeliest[["predicted_prob", "second_prob", "third_prob"]]
    assert (places.diff(axis=1).iloc[:, 1:] <= 0).all(None)
    np.testing.assert_allclose(places.sum(axis=1), 1, rtol=1e-5)
    assert (likeliest[["predicted", "second", "third"]].nunique(axis=1) == 3).all()
    stack = likeliest[likeliest["row"] == "stack"]
    assert (stack["actual"] == stack["predicted"]).all()
    for name in written(out):
        assert "r5" not in (out / name).read_text(), name


def test_scores_are_of_the_test_split_and_a_missing_photo_counts_against_a_photo_row(
    data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "metrics"
    run(data, out)
    image, text = (read_json(out / name) for name in ("image/cnn.json", "text/tfidf.json"))
    # The features are always right; without a photo the first of three equal shares is predicted,
    # and r50 and r51 are of the last and of the first category.
    assert image["accuracy_photo"] == 1
    assert image["n_photo"] == 10
    assert image["accuracy"] == pytest.approx(11 / 12, abs=1e-6)
    assert (text["accuracy"], text["f1_macro"]) == (1, 1)
    stack = read_json(out / "fused" / "stack.json")
    assert stack["accuracy"] == 1
    assert {"f1_macro_photo_only", "f1_macro_text_only", "f1_macro_no_price"} <= set(stack)
    leaky = read_json(out / "leaky" / "logreg_leaky.json")
    assert 0 < leaky["share_seen"] < 1
    assert {"accuracy_seen", "accuracy_unseen"} <= set(leaky)


def test_a_row_removed_from_the_params_leaves_the_metrics(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "metrics"
    run(data, out)
    run(data, out, ROWS.model_copy(update={"image": ["cnn"], "fused": []}))
    assert not [name for name in written(out) if "resnet50" in name or "stack" in name]
    assert "resnet50" not in (out / "table.md").read_text()
    assert "resnet50" not in (out / "per_class.csv").read_text()
    # DVC expects the folder of a kind without rows all the same.
    assert (out / "fused").is_dir()


@pytest.mark.parametrize("kind", ["image", "text"])
def test_rows_of_one_kind_alone_are_evaluated(
    kind: str, table: pd.DataFrame, data: Path, tmp_path: Path
) -> None:
    rows = Rows(image=[], text=["tfidf"], fused=[])
    if kind == "text":
        # No listing has a photo, so no folder of an image row is there to be read.
        table = table.assign(photo_row=-1)
        write_listings(table, data / "prepared" / "listings.parquet", PREPARED)
        shutil.rmtree(data / "embeddings" / "cnn")
    else:
        rows = Rows(image=["cnn"], text=[], fused=[])
        shutil.rmtree(data / "embeddings" / "tfidf")
    chosen = {"image": ("cnn", ""), "text": ("", "tfidf")}[kind]
    evaluation = evaluate(read_inputs(data, rows, *chosen), seed=7)
    write_evaluation(evaluation, tmp_path / "metrics", data / "evaluation")
    row = chosen[0] or chosen[1]
    assert [found.row for found in evaluation.rows] == [row, "logreg_leaky"]
    assert evaluation.table["weights"].tolist() == [f"of {row}", f"{row}: of {row}"]
    assert evaluation.pairs.empty
    assert read_json(data / "evaluation" / "temperature.json").keys() == {row}
    n_photo = evaluation.table["n_photo"]
    assert (n_photo == 0).all() if kind == "text" else (n_photo > 0).all()
    assert evaluation.rows[0].scores.keys() >= {
        "val_f1_macro", "n_fitted", "log_loss_calibrated", "temperature",
    }  # fmt: skip
    shown = (tmp_path / "metrics" / "table.md").read_text()
    assert f"There is only {row} to choose." in shown
    assert "photo only" not in shown and "nan" not in shown
    # No cell of a column is empty in every row.
    for table_text in re.findall(r"(?:^\|.*\n)+", shown, re.MULTILINE):
        cells = [line.split("|")[1:-1] for line in table_text.splitlines()[2:]]
        assert all(any(cell.strip() for cell in column) for column in zip(*cells, strict=True))


def test_over_folds_every_listing_is_tested_once_by_models_that_have_not_seen_it(
    tmp_path: Path,
) -> None:
    table = made_table()
    table["fold"] = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 1, 0] * 5
    data, rows = tmp_path / "data", [*ROWS.image, *ROWS.text]
    predictions = []
    for cv_round, split in enumerate(cv_rounds(table)):
        now = table.assign(split=split)
        output = made_output(now)
        for row in rows:
            output.save(data / "embeddings" / row, cv_round)
        predictions.append(made_predictions(now))
    _leaky(table).save(data / "predictions" / "leaky.npz")
    for row in rows:
        write_json(data / "weights" / row / "source.json", {"weights": f"of {row}"})
    Predictions.joined(predictions).save(data / "predictions" / "stack.npz")
    write_json(data / "prepared" / "notes.json", made_notes())
    write_listings(table, data / "prepared" / "listings.parquet", PREPARED)
    results = run(data, tmp_path / "metrics").table.set_index("row")
    assert results.loc[[*rows, "stack"], "n_test"].tolist() == [len(table)] * 4
    likeliest = pd.read_parquet(data / "evaluation" / "predictions.parquet")
    assert (likeliest.groupby("row")["id"].nunique() == len(table)).all()
    assert len(likeliest) == 4 * len(table)
    # A model fitted in one round has seen listings that another round tests.
    first, other = (RowOutput.folder(data / "embeddings" / "cnn", n) for n in (0, 2))
    shutil.copyfile(first / "features.npz", other / "features.npz")
    with pytest.raises(LeakError, match="scoring cnn on the test split"):
        run(data, tmp_path / "metrics")


def test_evaluating_twice_gives_equal_bytes(data: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(data, tmp_path / name)
        shutil.move(data / "evaluation", tmp_path / name)
    for name in written(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_ceilings_are_written_where_the_truth_is_known(
    table: pd.DataFrame, data: Path, tmp_path: Path
) -> None:
    truth = table[["id", "category", "group"]].assign(
        photo_informative=True, text_informative=False, wrong_label=False
    )
    (data / "raw" / "notes").mkdir(parents=True)
    truth.to_parquet(data / "raw" / "notes" / "truth.parquet", index=False)
    run(data, tmp_path / "metrics")
    best = read_json(tmp_path / "metrics" / "ceilings.json")
    assert best["photo"] == {"f1_macro": 1, "accuracy": 1}
    assert best["text"]["accuracy"] == pytest.approx(1 / 3, abs=1e-6)
    assert "Demo listings" in (tmp_path / "metrics" / "table.md").read_text()
    planted = read_json(tmp_path / "metrics" / "audit.json")["planted"]
    assert planted["duplicate_pairs"] == {"precision": 1, "recall": 1}


@pytest.mark.parametrize("duplicate", [False, True])
def test_a_model_that_has_seen_a_test_listing_or_its_near_duplicate_is_refused(
    duplicate: bool, table: pd.DataFrame
) -> None:
    seen = "r02" if duplicate else "r55"
    if duplicate:
        table.loc[[2, 55], "group"] = "reposted"
    output = made_output(table)
    leaking = replace(
        output.full,
        fitted_ids=np.append(output.full.fitted_ids, seen),
        fitted_by=np.append(output.full.fitted_by, np.int32(0)),
    )
    with pytest.raises(LeakError, match=r"scoring cnn on the test split: 1 listing .* r55;"):
        model_predictions(table, "cnn", "image", "none", [replace(output, full=leaking)])
    # So is one of another seed.
    with pytest.raises(LeakError, match="scoring cnn on the test split"):
        model_predictions(table, "cnn", "image", "none", [output], [[leaking]])


def test_fused_predictions_must_cover_the_test_split(table: pd.DataFrame, data: Path) -> None:
    fused = Predictions.load(data / "predictions" / "stack.npz")
    fewer = replace(fused, ids=np.char.replace(fused.ids, "r55", "x55"))
    with pytest.raises(ValueError, match="stack lacks 1 of the 12 test listings"):
        fused_predictions(table, "stack", "random", fewer)


def test_val_predictions_by_an_encoder_that_saw_the_listing_are_refused(
    table: pd.DataFrame,
) -> None:
    output = made_output(table)
    with pytest.raises(LeakError, match="scoring cnn on the val split: 12 listings"):
        model_predictions(table, "cnn", "image", "none", [replace(output, out_of_fold=output.full)])


def test_every_honest_row_has_a_val_score_of_other_predictions_than_its_test_score(
    table: pd.DataFrame, data: Path, tmp_path: Path
) -> None:
    """On test all rows are right; on val they are wrong for one category in three."""
    output = made_output(table)
    wrong = output.out_of_fold.probs.copy()
    third = labels(table)[(table["split"] == "val").to_numpy()] == 2
    wrong[third] = np.roll(wrong[third], 1, axis=1)
    erring = RowOutput(output.full, replace(output.out_of_fold, probs=wrong))
    erring.save(data / "embeddings" / "tfidf")
    made_predictions(table, val_probs=wrong).save(data / "predictions" / "stack.npz")
    out = tmp_path / "metrics"
    results = run(data, out).table.set_index("row")
    # Of four listings each: F1 of 2/3 for the category that takes the third's, 1 and 0.
    expected = (2 / 3 + 1 + 0) / 3
    for kind, row in (("text", "tfidf"), ("fused", "stack")):
        scores = read_json(out / kind / f"{row}.json")
        assert scores["val_f1_macro"] == pytest.approx(expected, abs=1e-6)
        assert scores["f1_macro"] == 1
        assert results.loc[row, "val_f1_macro"] == scores["val_f1_macro"]
    assert read_json(out / "image" / "cnn.json")["val_f1_macro"] == 1
    assert "val_f1_macro" not in read_json(out / "leaky" / "logreg_leaky.json")
    assert "Choose by val: cnn (macro F1 on test 0.915); best on test: tfidf (1.000)" in (
        out / "table.md"
    ).read_text(encoding="utf-8")


def test_a_val_listing_without_the_modality_gets_the_shares_of_the_classes(
    table: pd.DataFrame,
) -> None:
    table.loc[36:39, "photo_row"] = -1
    output = _with_photo(table, made_output(table))
    found = model_predictions(table, "cnn", "image", "none", [output])
    # Of three equal shares the first: r36 and r39 are of that class, r37 and r38 are not.
    expected = (8 / 10 + 2 * 6 / 7) / 3
    assert found.extra_scores["val_f1_macro"] == pytest.approx(expected, abs=1e-6)


def test_a_row_tells_how_many_listings_it_was_fitted_on(data: Path) -> None:
    results = evaluate(read_inputs(data, ROWS, "cnn", "tfidf"), seed=7).table.set_index("row")
    # 60 listings of which 12 are in test; the val listings are scored by another encoder.
    assert results["n_fitted"].tolist() == [48] * 5


def test_several_seeds_show_their_spread(table: pd.DataFrame, data: Path, tmp_path: Path) -> None:
    output, right = made_output(table), one_hot(table)
    for repeat, wrong in ((1, 6), (2, 3)):
        probs = right.copy()
        probs[-wrong:] = np.roll(right[-wrong:], 1, axis=1)
        again = replace(output.full, probs=probs)
        for row in ("cnn", "resnet50", "tfidf"):
            RowOutput(again, output.out_of_fold).save(data / "embeddings" / row, repeat=repeat)
    fused = made_predictions(table)
    half = np.roll(fused.probs, 1, axis=1)
    half[::2] = fused.probs[::2]
    made_predictions(table, repeats=half[None]).save(data / "predictions" / "stack.npz")
    evaluation = evaluate(read_inputs(data, ROWS, "cnn", "tfidf", repeats=3), seed=7)
    write_evaluation(evaluation, tmp_path / "metrics", data / "evaluation")
    scores = {row.row: row.scores for row in evaluation.rows}
    assert scores["tfidf"]["accuracy_seed_std"] == pytest.approx(
        np.std([1, 6 / 12, 9 / 12], ddof=1), abs=1e-6
    )
    assert scores["stack"]["accuracy_seed_std"] == pytest.approx(np.std([1, 0.5], ddof=1), abs=1e-6)
    assert (scores["tfidf"]["accuracy"], scores["tfidf"]["f1_macro"]) == (1, 1)
    assert 0 < scores["tfidf"]["f1_seed_std"] < 1
    assert "f1_seed_std" not in scores["logreg_leaky"]
    assert f"±{scores['stack']['f1_seed_std']:.3f}" in (tmp_path / "metrics/table.md").read_text()


def test_with_one_seed_there_is_no_spread(data: Path, tmp_path: Path) -> None:
    results = run(data, tmp_path / "metrics").table
    assert results[["f1_seed_std", "accuracy_seed_std"]].isna().all(None)
    assert "±" not in (tmp_path / "metrics" / "table.md").read_text()
    assert "f1_seed_std" not in read_json(tmp_path / "metrics" / "text" / "tfidf.json")


def test_fused_predictions_must_cover_the_val_split(table: pd.DataFrame) -> None:
    fused = made_predictions(table)
    fewer = replace(fused, val_ids=fused.val_ids[1:], val_probs=fused.val_probs[1:])
    with pytest.raises(ValueError, match="stack lacks 1 of the 12 val listings"):
        fused_predictions(table, "stack", "random", fewer)


def test_corrected_labels_leave_the_scores_by_the_labels_as_they_were(
    data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "metrics"
    run(data, out)
    assert "as_labelled" not in (out / "fused" / "stack.json").read_text()
    assert "as labelled" not in (out / "table.md").read_text()
    # r48 is the first of twelve test listings; the rows are right by the labels of now.
    notes = made_notes()
    notes["corrections"] = {"changed": {"r48": "Обувь"}, "said": ["the yardstick changed"]}
    write_json(data / "prepared" / "notes.json", notes)
    run(data, out)
    stack = read_json(out / "fused" / "stack.json")
    assert (stack["accuracy"], stack["accuracy_as_labelled"]) == (1, round(11 / 12, 6))
    assert stack["f1_macro_as_labelled"] < stack["f1_macro"] == 1
    text = (out / "table.md").read_text()
    assert "F1 as labelled" in text and "\n- the yardstick changed\n" in text
    table = pd.read_csv(out / "table.csv").set_index("row")
    assert table["f1_macro_as_labelled"]["stack"] == stack["f1_macro_as_labelled"]
