"""Evaluating a small folder of data: every file is written, and no file of a removed row stays."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from src.artifacts.outputs import LeakError, RowOutput
from src.core.files import read_json, write_json
from src.core.listings import PREPARED, cv_rounds, write_listings
from src.core.schema import FusedModel, Leaky, Rows
from src.evaluation.evaluate import Evaluation, evaluate
from src.evaluation.read import read_inputs
from src.evaluation.row_predictions import fused_predictions, model_predictions
from src.evaluation.write import write_evaluation
from src.fusion.fuse import fuse
from src.fusion.leaky import fuse_leakily
from src.fusion.predictions import Predictions
from tests.made import made_features, made_notes, made_table, one_hot

ROWS = Rows(image=["cnn", "resnet50"], text=["tfidf"], fused=["stack"])
STACK = FusedModel(head="stack", inputs="probs", price=True, settings={})
LEAKY = Leaky(inputs="probs", share=0.3, settings={})


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
    text = made_features(table)
    image = text.subset(table["photo_row"].to_numpy() >= 0)
    for row, features in (("cnn", image), ("resnet50", image), ("tfidf", text)):
        features.save(data / "embeddings" / row / "features.npz")
        write_json(data / "weights" / row / "source.json", {"weights": f"of {row}"})
    for row in ("cnn", "resnet50"):
        curves = pd.DataFrame({"epoch": [1, 2], "val_f1_macro": [0.5, 0.6]})
        (data / "checkpoints" / row).mkdir(parents=True)
        curves.to_csv(data / "checkpoints" / row / "curves.csv", index=False)
    fused = fuse(table, RowOutput(image, None), RowOutput(text, None), STACK, seed=7)
    fused.predictions.save(data / "predictions" / "stack.npz")
    leaky = fuse_leakily(table, [image, text], LEAKY, seed=7)
    leaky.save(data / "predictions" / "leaky.npz")
    write_json(data / "prepared" / "notes.json", made_notes())
    write_listings(table, data / "prepared" / "listings.parquet", PREPARED)
    return data


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
        "predictions.parquet",
        "temperature.json",
    }
    table_csv = pd.read_csv(out / "table.csv")
    assert table_csv["row"].tolist() == [*rows, "logreg_leaky"] == results["row"].tolist()
    assert table_csv["kind"].tolist() == [*rows.values(), "leaky"]
    assert table_csv["n_test"].tolist() == [12] * 4 + [18]
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
    output = made_features(table)
    fuse_leakily(table, [output], LEAKY, seed=7).save(data / "predictions" / "leaky.npz")
    evaluation = evaluate(read_inputs(data, rows, *chosen), seed=7)
    write_evaluation(evaluation, tmp_path / "metrics", data / "evaluation")
    row = chosen[0] or chosen[1]
    assert [found.row for found in evaluation.rows] == [row, "logreg_leaky"]
    assert evaluation.table["weights"].tolist() == [f"of {row}", f"{row}: of {row}"]
    assert evaluation.pairs.empty
    assert read_json(data / "evaluation" / "temperature.json").keys() == {row}
    n_photo = evaluation.table["n_photo"]
    assert (n_photo == 0).all() if kind == "text" else (n_photo > 0).all()


def test_over_folds_every_listing_is_tested_once_by_models_that_have_not_seen_it(
    tmp_path: Path,
) -> None:
    table = made_table()
    table["fold"] = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 1, 0] * 5
    data, rows = tmp_path / "data", [*ROWS.image, *ROWS.text]
    predictions = []
    for cv_round, split in enumerate(cv_rounds(table)):
        output = RowOutput(made_features(table.assign(split=split)), None)
        for row in rows:
            output.save(data / "embeddings" / row, cv_round)
        fused = fuse(table.assign(split=split), output, output, STACK, seed=7)
        predictions.append(fused.predictions)
        if cv_round == 0:
            seen = fuse_leakily(table, [output.full] * 2, LEAKY, seed=7)
            seen.save(data / "predictions" / "leaky.npz")
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
    features = made_features(table, probs=one_hot(table))
    leaking = made_features(
        table,
        fitted_ids=np.append(features.fitted_ids, seen),
        fitted_by=np.append(features.fitted_by, np.int32(0)),
    )
    with pytest.raises(LeakError, match=r"scoring cnn on the test split: 1 listing .* r55;"):
        model_predictions(table, "cnn", "image", "random", [leaking])


def test_fused_predictions_must_cover_the_test_split(table: pd.DataFrame, data: Path) -> None:
    fused = Predictions.load(data / "predictions" / "stack.npz")
    fewer = replace(fused, ids=np.char.replace(fused.ids, "r55", "x55"))
    with pytest.raises(ValueError, match="stack lacks 1 of the 12 test listings"):
        fused_predictions(table, "stack", "random", fewer)
