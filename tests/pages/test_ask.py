"""The page to try the model: what it answers, and what hostile questions come to."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi.testclient import TestClient

from src.core.files import write_json
from src.core.listings import PREPARED, write_listings
from src.pages.ask import AT_ONCE, Threshold, ask_app, read_examples, read_threshold
from src.pages.photos import NO_PHOTOS, CollectedPhotos, GivenPhotos
from src.predict.predictor import Predictor
from src.predict.reference import read_reference
from tests.made import CLASSES, made_photo, made_table
from tests.pages.conftest import HTML, client, served
from tests.prepare.test_pack import _bomb

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(scope="module")
def page(predictor: Predictor) -> TestClient:
    return client(ask_app(predictor, Threshold(0.9, 0.5)))


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_an_answer_has_all_categories_and_the_reasons(
    page: TestClient, predictor: Predictor
) -> None:
    question = {"title": "Обувь", "text": "продаю обувь", "price": "1 500 ₽"}
    answer = page.post("/answer", json=question | {"photo": encoded(made_photo())}).json()
    probs = [one["prob"] for one in answer["categories"]]
    assert {one["name"] for one in answer["categories"]} == set(CLASSES)
    assert probs == sorted(probs, reverse=True) and sum(probs) == pytest.approx(1, abs=1e-5)
    assert answer["used"] == ["photo", "text", "price"] and answer["notes"] == []
    why = answer["why"]
    assert why["category"] == answer["categories"][0]["name"]
    total = why["prior_log_odds"] + sum(why["contributions"].values())
    assert total == pytest.approx(why["log_odds"], abs=1e-6)
    assert why["nearest"] and all(one["photo"] is False for one in why["nearest"])


@pytest.mark.parametrize(
    ("threshold", "sure"),
    [(None, None), (Threshold(0.9, 0.0), True), (Threshold(0.9, 1.1), False),
     (Threshold(0.9, None), False)],
)  # fmt: skip
def test_below_the_threshold_the_page_is_not_sure(
    threshold: Threshold | None, sure: bool | None, predictor: Predictor
) -> None:
    answer = client(ask_app(predictor, threshold)).post("/answer", json={"title": "Обувь"})
    assert answer.json()["sure"] is sure


def test_the_threshold_is_that_of_the_row_that_predicts(
    predictor: Predictor, tmp_path: Path
) -> None:
    assert read_threshold(tmp_path, predictor) is None
    file, promised = tmp_path / "fused" / "stack.json", read_reference(predictor.folder).scores
    write_json(file, promised | {"threshold_at_90": 0.61})
    assert read_threshold(tmp_path, predictor) == Threshold(0.9, 0.61)
    write_json(file, promised)
    assert read_threshold(tmp_path, predictor) == Threshold(0.9, None)
    # Of another experiment.
    write_json(file, promised | {"threshold_at_90": 0.61, "f1_macro": 0.123})
    assert read_threshold(tmp_path, predictor) is None


def test_examples_are_of_the_test_split_and_of_different_categories(
    predictor: Predictor, tmp_path: Path
) -> None:
    assert read_examples(tmp_path) == []
    table = made_table()
    write_listings(table, tmp_path / "prepared" / "listings.parquet", PREPARED)
    examples = read_examples(tmp_path)
    assert [one["id"] for one in examples] == ["r48", "r49", "r50"]
    assert examples[0]["price"] == "148"
    photos = GivenPhotos({"r49": made_photo(), "a/б 1": made_photo("b")})
    page = client(ask_app(predictor, None, examples, photos))
    about = page.get("/about").json()
    assert [one["photo"] for one in about["examples"]] == [False, True, False]
    assert page.get("/photo/r49").content == made_photo()
    assert page.get("/photo/r48").status_code == 404
    # An unlabelled listing may have any id.
    assert page.get("/photo/a%2F%D0%B1%201").content == made_photo("b")


@pytest.mark.parametrize(
    ("question", "status", "message"),
    [
        ({}, 400, "no photo, text or price to predict from"),
        ({"photo": encoded(SVG)}, 400, "photo: not an image of an allowed type"),
        ({"photo": "%%%"}, 400, "photo: not base64"),
        ({"photo": encoded(_bomb(20_000))}, 400, "photo: more than 64 megapixels"),
        ({"photo": encoded(made_photo()[:-30])}, 400, "photo: broken or truncated"),
        ({"photo": "A" * 67_000_000}, 413, "more than 20 MB; expected a smaller photo"),
        ({"text": "я" * 1_000_000}, 422, "text: string should have at most 20000 characters"),
        ({"title": "я" * 1_001}, 422, "title: string should have at most 1000 characters"),
        ({"title": 5}, 422, "title: input should be a valid string"),
        ({"path": "/etc/passwd"}, 422, "path: extra inputs are not permitted"),
        ({"photo": "/etc/passwd"}, 400, "photo: "),
        ({"photo": "file:///etc/passwd"}, 400, "photo: not base64"),
    ],
    ids=str,
)
def test_each_hostile_question_gets_one_clear_line(
    question: dict[str, Any], status: int, message: str, page: TestClient
) -> None:
    answer = page.post("/answer", json=question)
    assert answer.status_code == status
    assert message in answer.json()["error"] and "\n" not in answer.json()["error"]
    assert page.post("/answer", json={"title": "Обувь"}).status_code == 200


def test_html_stays_text_and_what_cannot_be_read_is_noted(page: TestClient) -> None:
    question = {"title": HTML, "text": "обувь", "price": "дорого", "photo": encoded(SVG)}
    response = page.post("/answer", json=question)
    assert response.headers["content-type"] == "application/json"
    assert "photo: not an image of an allowed type" in response.json()["notes"]


def test_thirty_at_once_are_all_answered(predictor: Predictor) -> None:
    with served(ask_app(predictor)) as address, ThreadPoolExecutor(30) as pool:
        ask = partial(
            requests.post, f"{address}/answer", json={"title": "Обувь"}, headers={"origin": address}
        )
        answers = [one.result() for one in [pool.submit(ask) for _ in range(30)]]
    assert [one.status_code for one in answers] == [200] * 30
    assert len({one.json()["categories"][0]["name"] for one in answers}) == 1


def test_more_than_can_wait_are_told_so(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.pages.ask.AT_ONCE", 0)
    answer = client(ask_app(predictor)).post("/answer", json={"title": "Обувь"})
    assert answer.status_code == 503
    assert answer.json() == {"error": "too many questions at once; ask again later"}
    assert AT_ONCE >= 30


def test_photos_are_encoded_anew_and_broken_ones_are_none(tmp_path: Path) -> None:
    table = made_table(3, 0, 0).assign(photo=["a.png", "b.png", None])
    assert CollectedPhotos(tmp_path).jpeg("r00") is None
    (tmp_path / "raw" / "photos").mkdir(parents=True)
    table[["id", "photo"]].to_parquet(tmp_path / "raw" / "listings.parquet")
    (tmp_path / "raw" / "photos" / "a.png").write_bytes(made_photo(kind="PNG"))
    (tmp_path / "raw" / "photos" / "b.png").write_bytes(SVG)
    photos = CollectedPhotos(tmp_path)
    jpeg = photos.jpeg("r00")
    assert jpeg is not None and jpeg.startswith(b"\xff\xd8")
    assert [photos.jpeg(name) for name in ("r01", "r02", "../x")] == [None] * 3
    assert NO_PHOTOS.jpeg("r00") is None
