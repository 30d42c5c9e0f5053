"""The MLflow model: no pickle, the same predictions, hostile photos refused."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import _parse_json_data, predictions_to_json

from src.cleaning.photo_folder import PhotoFolder
from src.cleaning.picture import BROKEN, NOT_AN_IMAGE, TOO_LARGE, TOO_MANY_PIXELS
from src.predict import listings
from src.predict.listings import photo_from_base64, predict_listings
from src.predict.predictor import NOTHING_TO_READ, UNKNOWN_TEXT, Predictor
from src.predict.served import SERVED_PACKAGES, pinned_packages, save_served_model
from tests.closure import ROOT, import_closure, packages_of
from tests.predict.conftest import Pipeline
from tests.prepare.test_pack import _bomb


@pytest.fixture(scope="module")
def folder(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "model"
    save_served_model(bundle, ROOT / "requirements.txt", folder)
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return mlflow.pyfunc.load_model(str(folder))


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def posted(model: Any, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the server's own code returns for a request."""
    request = json.dumps({"dataframe_records": records})
    schema = model.metadata.get_input_schema()
    data = _parse_json_data(request, model.metadata, schema).data
    response = StringIO()
    predictions_to_json(model.predict(data), response)
    answer: dict[str, Any] = json.loads(response.getvalue(), parse_constant=pytest.fail)
    found: list[dict[str, Any]] = answer["predictions"]
    return found


def test_a_saved_model_holds_no_pickle_and_pins_its_packages(folder: Path) -> None:
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    code = {".py", ".sql", ".toml", ".css", ".html", ".js", ".j2"}
    data = {".bin", ".json", ".md", ".npz", ".parquet", ".safetensors", ".txt", ".xml", ".yaml"}
    assert kinds == {""} | data | code
    assert "python_model" not in (folder / "MLmodel").read_text()
    required = (folder / "requirements.txt").read_text().split()
    assert required == pinned_packages(ROOT / "requirements.txt")
    assert all("==" in line for line in required)


def test_the_pinned_packages_are_those_that_serving_imports() -> None:
    # Files of models name the heads.
    files = import_closure("src/predict/pyfunc.py") | import_closure("src/fusion/heads.py")
    brought = packages_of(files)
    assert [owners for owners in brought if not owners & set(SERVED_PACKAGES)] == []
    assert set(SERVED_PACKAGES) <= set().union(*brought)
    assert not {"torch", "timm", "transformers", "lightning"} & set().union(*brought)


def test_the_extra_for_predictions_is_what_the_command_imports() -> None:
    commands = ("src/predict/__main__.py", "src/predict/watch.py", "src/fusion/heads.py")
    # MLflow and its store are for --model alone, which says what to install; stages alone pin.
    others = {"src/predict/mlflow_store.py", "src/core/portable.py"}
    files = set().union(*map(import_closure, commands)) - others
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted, cluster = (
        {re.split(r"[\[=]", line)[0] for line in extras["optional-dependencies"][name]}
        for name in ("predict", "cluster")
    )
    brought = packages_of(files)
    assert [owners for owners in brought if not owners & (wanted | cluster | {"mlflow"})] == []
    assert wanted <= set().union(*brought)


def test_the_served_model_predicts_as_the_bundle_does(
    model: Any, bundle: Path, pipeline: Pipeline
) -> None:
    cells = pipeline.raw.iloc[48:]
    expected = predict_listings(Predictor(bundle), cells, PhotoFolder(pipeline.photos).read)
    photos = [encoded(pipeline.photos / p) if isinstance(p, str) else None for p in cells["photo"]]
    sent = cells[["title", "text", "price"]].assign(photo=photos).astype(object)
    found = posted(model, sent.where(sent.notna(), None).to_dict("records"))
    probs = [[row[f"p_{name}"] for name in expected.classes] for row in found]
    np.testing.assert_allclose(probs, expected.probs, atol=1e-5)
    assert [row["used"] for row in found] == expected.used


def test_listings_without_photo_text_or_price_are_predicted_or_get_a_reason(model: Any) -> None:
    found = posted(model, [{"title": "мебель", "price": 100}, {"text": "мебель"}, {"price": None}])
    assert [row["used"] for row in found] == ["text+price", "text", ""]
    assert found[2]["error"] == NOTHING_TO_READ
    assert found[2]["category"] is None and found[2]["p_Обувь"] is None


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([{"title": ""}], NOTHING_TO_READ),
        ([{"photo": "%%"}], r"photo: not base64"),
        ([{"title": "👍"}, {"title": "x"}], rf"{NOTHING_TO_READ} \({UNKNOWN_TEXT}\)"),
        ([{"name": "стол"}], "no listings given; each has some of title, text, price, photo"),
        ([], "no listings given"),
    ],
)
def test_a_request_without_any_prediction_is_a_bad_request(
    records: list[dict[str, Any]], message: str, model: Any
) -> None:
    with pytest.raises(MlflowException, match=message) as error:
        posted(model, records)
    assert error.value.get_http_status_code() == 400


def test_hostile_photos_are_refused_and_the_rest_is_used(
    model: Any, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (pipeline.photos / "0.jpg").read_bytes()
    photos = {
        NOT_AN_IMAGE: b"\x80\x04\x95 a pickle",
        TOO_MANY_PIXELS: _bomb(30_000),
        BROKEN: whole[: len(whole) // 2],
    }
    sent = [base64.b64encode(content).decode() for content in photos.values()]
    found = posted(model, [{"title": "мебель", "photo": photo} for photo in sent])
    assert [row["note"] for row in found] == [f"photo: {reason}" for reason in photos]
    assert {row["used"] for row in found} == {"text"}


def test_values_of_any_type_are_read_and_refuse_no_request(model: Any) -> None:
    prices: list[Any] = [1500, 1500.0, "1 500 ₽", "1500,-", "RUB 1500", "от 500", None, "", True]
    found = posted(model, [{"title": "мебель", "price": price} for price in prices])
    assert [row["used"] for row in found] == ["text+price"] * 5 + ["text"] * 4
    unread = "price cannot be read"
    limit = "price is a range or a limit"
    assert [row["note"] for row in found] == [""] * 5 + [limit, "", "", unread]
    assert len({row["p_Обувь"] for row in found[:5]}) == 1
    # A table of numbers, as Python and Parquet give it, and titles that are numbers.
    table = pd.DataFrame({"title": [2025, 7], "text": "мебель", "price": [1500.0, np.nan]})
    assert model.predict(table)["used"].tolist() == ["text+price", "text"]


@pytest.mark.parametrize(
    "photo",
    [123, 1.5, True, ["a"], [None, "a"], {"path": "a.jpg"}, {"x": "a"}],
)
def test_a_photo_of_another_type_is_noted_and_refuses_no_request(model: Any, photo: Any) -> None:
    found = posted(model, [{"title": "мебель", "photo": photo}, {"title": "мебель"}])
    assert [row["note"] for row in found] == ["photo: not base64", ""]
    assert {row["used"] for row in found} == {"text"}


def test_values_nested_deeply_refuse_no_request(model: Any) -> None:
    nested = json.loads("[" * 900 + '"a"' + "]" * 900)
    found = posted(model, [{"title": "мебель", "photo": nested}])
    assert [row["note"] for row in found] == ["photo: lists in lists, too many"]
    for field in ("title", "text", "price"):
        found = posted(model, [{"title": "мебель", "text": "мебель"} | {field: nested}])
        assert [row["used"] for row in found] == ["text"]


def test_a_price_is_read_alike_whatever_else_is_asked(model: Any) -> None:
    (alone,) = posted(model, [{"price": "1.500"}])
    together = posted(model, [{"price": "1.500"}, {"price": "12.50"}])[0]
    assert together == alone and "not certain" in alone["note"]


@pytest.mark.parametrize(
    "written",
    [
        lambda code: "\n".join(code[at : at + 76] for at in range(0, len(code), 76)),
        lambda code: "\r\n".join(code[at : at + 64] for at in range(0, len(code), 64)) + "\r\n",
        lambda code: f" {code} ",
        lambda code: code.replace("+", "-").replace("/", "_"),
        lambda code: code.rstrip("="),
        lambda code: f"DATA:image/png;base64,\n{code}",
    ],
)
def test_base64_is_read_as_programs_write_it(written: Callable[[str], str]) -> None:
    for content in (bytes(range(256)), bytes(range(255)), b"\xfb\xff\xfe" * 99):
        assert photo_from_base64(written(base64.b64encode(content).decode())) == content


def test_too_long_base64_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo = base64.b64encode(b"x" * 300).decode()
    assert (
        photo_from_base64(photo)
        == photo_from_base64(f"data:image/png;base64,{photo}")
        == b"x" * 300
    )
    monkeypatch.setattr(listings, "MAX_BYTES", 299)
    monkeypatch.setattr(base64, "b64decode", pytest.fail)
    with pytest.raises(ValueError, match=TOO_LARGE):
        photo_from_base64(photo)


def test_the_input_example_is_predicted(model: Any) -> None:
    example = model.input_example
    assert isinstance(example, pd.DataFrame)
    # The models of the tests have no word about tables.
    assert model.predict(example)["used"].tolist() == ["photo+price"]
