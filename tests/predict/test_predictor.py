"""A bundle predicts as the pipeline did, whatever a listing has or lacks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVC

from src.artifacts.model_files import save_sklearn
from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.prices import PriceReader
from src.core.errors import UserError
from src.core.files import read_json, write_json
from src.encoders.common.converted_model import ConvertedModel
from src.evaluation.calibration import apply_temperature
from src.predict.bundle import BUNDLE_FORMAT
from src.predict.listings import predict_listings
from src.predict.predictor import (
    NOTHING_TO_READ,
    UNKNOWN_TEXT,
    ListingPredictions,
    Predictor,
)
from tests.predict.conftest import Pipeline

ROOT = Path(__file__).parents[2]


def predict_test_split(pipeline: Pipeline, folder: Path) -> ListingPredictions:
    """What a bundle predicts for the test split."""
    cells = pipeline.raw.iloc[48:].rename(columns={"category": "unread"})
    return predict_listings(Predictor(folder), cells, PhotoFolder(pipeline.photos).read)


@pytest.mark.parametrize(
    ("text_row", "fused_row"),
    [
        ("tfidf", "stack"),
        ("tiny", "nn"),
        ("stored", "knn"),
        ("tfidf", "random_forest"),
        ("tfidf", "gbdt"),
        ("mixed", "nn"),
        ("joined", "stack"),
        ("joined", "nn"),
    ],
)
def test_a_bundle_predicts_as_the_pipeline_did(
    text_row: str, fused_row: str, pipeline: Pipeline, tmp_path: Path
) -> None:
    expected = pipeline.predictions(text_row, fused_row)
    folder = pipeline.bundle(tmp_path / "b", text_row=text_row, fused_row=fused_row)
    found = predict_test_split(pipeline, folder)
    assert found.classes == expected.classes.tolist()
    np.testing.assert_allclose(found.probs, apply_temperature(expected.probs, 1.0), atol=2e-5)
    notes = dict(zip(pipeline.raw["id"][48:], found.notes, strict=True))
    assert notes.pop("r56") == UNKNOWN_TEXT
    assert set(notes.values()) == {""}


def test_predictions_say_what_they_are_based_on(pipeline: Pipeline, bundle: Path) -> None:
    found = predict_test_split(pipeline, bundle)
    used = dict(zip(pipeline.raw["id"][48:], found.used, strict=True))
    assert used["r48"] == "photo+text+price"
    assert (used["r50"], used["r51"]) == ("text+price", "photo+price")
    assert (used["r52"], used["r53"], used["r54"]) == ("text", "photo", "photo+text")
    # A text with nothing known is no text.
    assert used["r56"] == "photo+price"


def test_a_listing_with_nothing_to_read_has_no_prediction(bundle: Path) -> None:
    cells = pd.DataFrame({"title": ["", "мебель", " "], "price": ["", "", "12,5 €"]})
    found = predict_listings(Predictor(bundle), cells, PhotoFolder(Path()).read)
    table = found.table()
    assert table["error"].tolist() == [NOTHING_TO_READ, "", ""]
    assert table["category"].isna().tolist() == [True, False, False]
    assert np.isnan(found.probs[0]).all()
    assert found.used == ["", "text", "price"]
    np.testing.assert_allclose(found.probs[1:].sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("text", ["x", "👍", "!!!", "и в на"])
def test_a_text_with_nothing_known_is_no_text(text: str, bundle: Path) -> None:
    cells = pd.DataFrame({"title": [text, text], "text": ["", text], "price": [None, 100]})
    found = predict_listings(Predictor(bundle), cells, PhotoFolder(Path()).read)
    assert found.used == ["", "price"]
    assert found.notes == [UNKNOWN_TEXT] * 2
    alone = predict_listings(Predictor(bundle), cells[["price"]], PhotoFolder(Path()).read)
    np.testing.assert_array_equal(found.probs, alone.probs)


def test_prices_are_read_alike_as_numbers_and_as_text_and_each_by_itself(bundle: Path) -> None:
    cells = pd.DataFrame({"price": [1500.0, "1 500 ₽", "1500,-", "RUB 1500", "1.500", "12,50"]})
    found = predict_listings(Predictor(bundle), cells, PhotoFolder(Path()).read)
    np.testing.assert_array_equal(found.probs[1:5], found.probs[:4])
    assert [note != "" for note in found.notes] == [False, False, False, False, True, False]
    # A number has no convention, whatever its decimals.
    numbers = predict_listings(
        Predictor(bundle), pd.DataFrame({"price": [1.125, 1.13]}), PhotoFolder(Path()).read
    )
    np.testing.assert_allclose(*numbers.probs, atol=0.01)
    assert numbers.notes == ["", ""]


def test_prices_of_a_table_are_read_by_its_own_convention(bundle: Path) -> None:
    cells = pd.DataFrame({"price": ["1.255", "12.50"]})
    found = predict_listings(
        Predictor(bundle), cells.iloc[:1], PhotoFolder(Path()).read, PriceReader(cells["price"])
    )
    expected = predict_listings(
        Predictor(bundle), pd.DataFrame({"price": [1.255]}), PhotoFolder(Path()).read
    )
    assert found.notes == [""]
    np.testing.assert_array_equal(found.probs, expected.probs)


@pytest.mark.parametrize("text_row", ["tfidf", "tiny", "mixed", "joined"])
def test_predicting_imports_no_pytorch(text_row: str, pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.predictions(text_row, "stack")
    bundle = pipeline.bundle(tmp_path / "b", text_row=text_row)
    code = f"""
import sys
import pandas as pd
from pathlib import Path
from src.cleaning.photo_folder import PhotoFolder
from src.predict.listings import predict_listings
from src.predict.predictor import Predictor
cells = pd.DataFrame({{"title": ["мебель"], "text": ["продаю"], "price": [5], "photo": ["1.jpg"]}})
folder = PhotoFolder(Path({str(pipeline.photos)!r}))
found = predict_listings(Predictor(Path({str(bundle)!r})), cells, folder.read)
assert found.used == ["photo+text+price"] and found.notes == [""], found
heavy = {{"torch", "transformers", "timm", "lightning", "mlflow", "skops", "src.fusion.fuse"}}
heavy &= set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("text_row", ["tiny", "mixed"])
def test_a_bundle_that_answers_otherwise_is_refused(
    text_row: str, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.predictions(text_row, "stack")
    exact = ConvertedModel.features

    def other(model: ConvertedModel, batches: Any) -> Any:
        return exact(model, batches) * 1.5

    monkeypatch.setattr(ConvertedModel, "features", other)
    with pytest.raises(
        UserError, match=r"stack gives a probability that differs by 0\.\d+"
    ) as error:
        pipeline.bundle(tmp_path / "b", text_row=text_row)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "b").exists()


def test_the_temperature_of_the_row_is_used_and_divides_the_logarithms(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    cold = pipeline.predictions("tfidf", "stack")
    evaluated = pipeline.data / "evaluation" / "temperature.json"
    before = read_json(evaluated)
    write_json(evaluated, {"stack": 2.0, "nn": 3.0})
    try:
        pipeline.bundle(tmp_path / "b")
    finally:
        write_json(evaluated, before)
    warm = predict_test_split(pipeline, tmp_path / "b")
    np.testing.assert_allclose(warm.probs, apply_temperature(cold.probs, 2.0), atol=1e-5)


def test_a_temperature_leaves_no_probability_undefined() -> None:
    probs = np.array([[1.0, 0.0, 0.0], [0.5, 0.3, 0.2]], np.float32)
    for temperature in (1e-3, 1.0, 50.0):
        found = apply_temperature(probs, temperature)
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
        assert found.argmax(1).tolist() == [0, 0]
    np.testing.assert_allclose(apply_temperature(probs, 1.0)[1], probs[1], atol=1e-6)


def test_a_bundle_holds_no_pickle_and_lists_its_contents(bundle: Path) -> None:
    about = read_json(bundle / "bundle.json")
    assert about["rows"] == {"image": "cnn", "text": "tfidf", "fused": "stack"}
    assert about["temperature"] == 1.0
    assert about["versions"]["openvino"]
    files = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
    assert files == {*about["files"], "bundle.json"}
    assert {Path(name).suffix for name in files} == {
        *(".json", ".md", ".safetensors", ".npz", ".xml", ".bin", ".parquet"),
    }


def test_types_that_none_of_our_models_has_are_refused(
    pipeline: Pipeline, bundle: Path, tmp_path: Path
) -> None:
    shutil.copytree(bundle, tmp_path / "b")
    strange = SVC(kernel="precomputed")
    strange.extra = Pipeline
    save_sklearn({"photo": strange}, tmp_path / "b/fused/model.npz")
    expected = r"not trusted: sklearn\.svm\._classes\.SVC, tests\.predict\.conftest\.Pipeline;"
    with pytest.raises(UserError, match=expected):
        Predictor(tmp_path / "b")
    shutil.copytree(pipeline.data, tmp_path / "data")
    save_sklearn(strange, tmp_path / "data/checkpoints/stack/model.npz")
    other = Pipeline(pipeline.raw, pipeline.photos, tmp_path / "data")
    with pytest.raises(UserError, match="not trusted"):
        other.bundle(tmp_path / "c")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bundle.json", "there is no bundle; make it with `dvc repro bundle`"),
        ("text/model.npz", r"text/model\.npz is missing, the bundle is incomplete"),
        ("image/features.bin", "is missing, the bundle is incomplete"),
    ],
)
def test_an_incomplete_bundle_is_refused_in_one_line(
    name: str, message: str, bundle: Path, tmp_path: Path
) -> None:
    shutil.copytree(bundle, tmp_path / "b")
    (tmp_path / "b" / name).unlink()
    with pytest.raises(UserError, match=message) as error:
        Predictor(tmp_path / "b")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["fused/model.npz", "image/head.safetensors", "image/features.xml"]
)
def test_a_broken_file_is_refused_in_one_line(name: str, bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path / "b")
    (tmp_path / "b" / name).write_bytes(b"broken")
    with pytest.raises(UserError, match=Path(name).name) as error:
        _ = Predictor(tmp_path / "b").image
    assert "\n" not in str(error.value)


def test_a_bundle_of_another_format_is_refused(bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path / "b")
    write_json(
        tmp_path / "b/bundle.json",
        read_json(bundle / "bundle.json") | {"format": BUNDLE_FORMAT + 1},
    )
    with pytest.raises(
        UserError, match=f"has format {BUNDLE_FORMAT + 1}; expected {BUNDLE_FORMAT}"
    ):
        Predictor(tmp_path / "b")


def test_models_of_different_categories_are_refused(pipeline: Pipeline, tmp_path: Path) -> None:
    shutil.copytree(pipeline.data, tmp_path / "data")
    about = tmp_path / "data/checkpoints/cnn/model.json"
    write_json(about, read_json(about) | {"classes": ["Книги", "Обувь"]})
    other = Pipeline(pipeline.raw, pipeline.photos, tmp_path / "data")
    with pytest.raises(UserError, match="cnn and stack were fitted on different categories"):
        other.bundle(tmp_path / "b")


@pytest.mark.parametrize("content", ["{", "[]", f'{{"format": {BUNDLE_FORMAT}}}', '{"rows": {}}'])
def test_a_broken_bundle_json_is_refused_in_one_line(
    content: str, bundle: Path, tmp_path: Path
) -> None:
    shutil.copytree(bundle, tmp_path / "b")
    (tmp_path / "b/bundle.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="is broken; make the bundle again") as error:
        Predictor(tmp_path / "b")
    assert "\n" not in str(error.value)
