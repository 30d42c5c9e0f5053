"""A bundle answers as the pipeline did, for whatever a listing has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.svm import SVC

from src.artifacts.model_files import save_sklearn
from src.core.errors import UserError
from src.core.files import read_json, write_json
from src.evaluation.calibration import apply_temperature
from src.predict.listings import answer, in_folder
from src.predict.predictor import NOTHING, Answers, Predictor, calibrate
from tests.predict.conftest import Pipeline

ROOT = Path(__file__).parents[2]


def answered(pipeline: Pipeline, folder: Path) -> tuple[Answers, list[str]]:
    """What a bundle says of the test part."""
    cells = pipeline.raw.iloc[48:].rename(columns={"category": "unread"})
    return answer(Predictor(folder), cells, in_folder(pipeline.photos))


@pytest.mark.parametrize(
    ("text_model", "fused_model"),
    [
        ("tfidf", "stack"),
        ("tiny", "nn"),
        ("stored", "knn"),
        ("tfidf", "random_forest"),
        ("mixed", "nn"),
    ],
)
def test_a_bundle_answers_as_the_pipeline_did(
    text_model: str, fused_model: str, pipeline: Pipeline, tmp_path: Path
) -> None:
    expected = pipeline.predictions(text_model, fused_model)
    folder = pipeline.bundle(tmp_path / "b", text_model=text_model, fused_model=fused_model)
    answers, notes = answered(pipeline, folder)
    assert answers.classes == expected.classes.tolist()
    np.testing.assert_allclose(answers.probs, expected.probs, atol=1e-5)
    assert set(notes) == {""}


def test_answers_tell_what_they_rest_on(pipeline: Pipeline, bundle: Path) -> None:
    answers, _ = answered(pipeline, bundle)
    used = dict(zip(pipeline.raw["id"][48:], answers.used, strict=True))
    assert used["r48"] == "photo+text+price"
    assert (used["r50"], used["r51"]) == ("text+price", "photo+price")
    assert (used["r52"], used["r53"], used["r54"]) == ("text", "photo", "photo+text")


def test_nothing_to_go_by_is_no_answer(bundle: Path) -> None:
    cells = pd.DataFrame({"title": ["", "стол", " "], "price": ["", "", "12,5 €"]})
    answers, _ = answer(Predictor(bundle), cells, in_folder(Path()))
    table = answers.table(["", "", ""])
    assert table["error"].tolist() == [NOTHING, "", ""]
    assert table["category"].isna().tolist() == [True, False, False]
    assert np.isnan(answers.probs[0]).all()
    assert answers.used == ["", "text", "price"]
    np.testing.assert_allclose(answers.probs[1:].sum(1), 1, atol=1e-5)


def test_words_alone_need_no_network(bundle: Path) -> None:
    code = f"""
import sys
import pandas as pd
from pathlib import Path
from src.predict.listings import answer, in_folder
from src.predict.predictor import Predictor
answer(Predictor(Path({str(bundle)!r})), pd.DataFrame({{"title": ["стол"]}}), in_folder(Path()))
heavy = {{"torch", "transformers", "timm", "lightning", "mlflow"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_temperature_of_the_row_is_taken_over_and_divides_the_logarithms(
    pipeline: Pipeline, bundle: Path, tmp_path: Path
) -> None:
    cold, _ = answered(pipeline, bundle)
    judged = pipeline.data / "judged" / "temperature.json"
    write_json(judged, {"stack": 2.0, "nn": 3.0})
    try:
        pipeline.bundle(tmp_path / "b")
    finally:
        shutil.rmtree(judged.parent)
    warm, _ = answered(pipeline, tmp_path / "b")
    np.testing.assert_allclose(warm.probs, apply_temperature(cold.probs, 2.0), atol=1e-5)


def test_a_temperature_leaves_no_probability_undefined() -> None:
    probs = np.array([[1.0, 0.0, 0.0], [0.5, 0.3, 0.2]], np.float32)
    for temperature in (1e-3, 1.0, 50.0):
        found = calibrate(probs, temperature)
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
        assert found.argmax(1).tolist() == [0, 0]
    np.testing.assert_array_equal(calibrate(probs, 1.0), probs)


def test_a_bundle_holds_no_pickle_and_names_what_it_is_made_of(bundle: Path) -> None:
    about = read_json(bundle / "bundle.json")
    assert about["rows"] == {"image": "cnn", "text": "tfidf", "fused": "stack"}
    assert about["temperature"] == 1.0
    assert about["versions"]["torch"]
    files = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
    assert files == {*about["files"], "bundle.json"}
    assert {Path(name).suffix for name in files} == {".json", ".safetensors", ".skops"}


def test_a_type_that_no_model_of_ours_has_is_refused(
    pipeline: Pipeline, bundle: Path, tmp_path: Path
) -> None:
    shutil.copytree(bundle, tmp_path / "b")
    strange = SVC(kernel="precomputed")
    strange.extra = Pipeline
    (tmp_path / "b/fused/model.skops").write_bytes(skops.io.dumps({"photo": strange}))
    with pytest.raises(UserError, match=r"not trusted: tests\.predict\.conftest\.Pipeline;"):
        Predictor(tmp_path / "b")
    checkpoint = pipeline.data / "checkpoints" / "strange"
    shutil.copytree(pipeline.data / "checkpoints" / "stack", checkpoint)
    save_sklearn(strange, checkpoint / "model.skops")
    fusion = {"strange": {"inputs": "probs", "price": True}}
    with pytest.raises(UserError, match="not trusted"):
        pipeline.bundle(tmp_path / "c", fused_model="strange", fusion=fusion)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bundle.json", "there is no bundle; make it with `dvc repro bundle`"),
        ("text/model.skops", r"text/model\.skops is missing, the bundle is not whole"),
        ("image/model.safetensors", "is missing, the bundle is not whole"),
    ],
)
def test_a_bundle_that_is_not_whole_is_refused_in_one_line(
    name: str, says: str, bundle: Path, tmp_path: Path
) -> None:
    shutil.copytree(bundle, tmp_path / "b")
    (tmp_path / "b" / name).unlink()
    with pytest.raises(UserError, match=says) as error:
        Predictor(tmp_path / "b")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["fused/model.skops", "image/model.safetensors"])
def test_a_broken_file_is_refused_in_one_line(name: str, bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path / "b")
    (tmp_path / "b" / name).write_bytes(b"broken")
    with pytest.raises(UserError, match=Path(name).name) as error:
        _ = Predictor(tmp_path / "b").image
    assert "\n" not in str(error.value)


def test_a_bundle_of_another_format_is_refused(bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path / "b")
    write_json(tmp_path / "b/bundle.json", read_json(bundle / "bundle.json") | {"format": 9})
    with pytest.raises(UserError, match="has format 9; expected 1"):
        Predictor(tmp_path / "b")


def test_models_of_other_categories_are_refused(pipeline: Pipeline, tmp_path: Path) -> None:
    shutil.copytree(pipeline.data, tmp_path / "data")
    about = tmp_path / "data/checkpoints/cnn/model.json"
    write_json(about, read_json(about) | {"classes": ["Книги", "Обувь"]})
    other = Pipeline(pipeline.raw, pipeline.photos, tmp_path / "data")
    with pytest.raises(UserError, match="cnn and stack were fitted on other categories"):
        other.bundle(tmp_path / "b")
