"""Why a listing got its category."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from src.cleaning.text import clean, word_places, words
from src.core.errors import UserError
from src.core.files import read_json
from src.encoders.text.ngrams import text_columns
from src.encoders.text.tfidf import TfidfClassifier
from src.evaluation.nearest import ADS
from src.fusion.fused import Answer
from src.fusion.shapley import log_odds
from src.predict.explain.explanation import Explanation, explain
from src.predict.explain.linear import word_parts
from src.predict.explain.photo import CELLS, PLACES, SIDE, cover
from src.predict.explain.words import MOST_WORDS, without_words
from src.predict.predictor import Predictor
from tests.predict.conftest import Pipeline

ROOT = Path(__file__).parents[2]


def listing(pipeline: Pipeline, row: int) -> dict[str, Any]:
    """A listing of the pipeline as a user gives it."""
    line = pipeline.raw.iloc[row]
    photo = line["photo"]
    return {
        "title": line["title"],
        "text": line["text"],
        "price": None if np.isnan(line["price"]) else line["price"],
        "photo": None if pd.isna(photo) else (pipeline.photos / photo).read_bytes(),
    }


@pytest.fixture(scope="module")
def predictor(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A bundle whose text model is a network with words beside it, under the stacked head."""
    pipeline.predictions("mixed", "stack")
    folder = tmp_path_factory.mktemp("mixed") / "bundle"
    return Predictor(pipeline.bundle(folder, text_row="mixed"))


@pytest.mark.parametrize("row", range(48, 60))
def test_an_explanation_sums_to_the_answer_whatever_a_listing_has(
    row: int, pipeline: Pipeline, predictor: Predictor
) -> None:
    given, found = listing(pipeline, row), explain(predictor, listing(pipeline, row))
    price = {"price": given["price"]} if given["price"] is not None else {}
    assert (found.photo is not None) == (given["photo"] is not None)
    has = {"photo": found.photo, "text": found.words, **price}
    assert list(found.contributions) == [name for name, some in has.items() if some is not None]
    total = found.prior_log_odds + sum(found.contributions.values())
    assert total == pytest.approx(found.log_odds, abs=1e-6)
    odds = found.probability / (1 - found.probability)
    assert found.log_odds == pytest.approx(np.log(odds), abs=1e-3)


def test_any_category_can_be_explained(pipeline: Pipeline, predictor: Predictor) -> None:
    given = listing(pipeline, 48)
    every = [explain(predictor, given, name) for name in predictor.info.classes]
    assert [one.category for one in every] == predictor.info.classes
    assert sum(one.probability for one in every) == pytest.approx(1, abs=1e-5)
    for one in every:
        total = one.prior_log_odds + sum(one.contributions.values())
        assert total == pytest.approx(one.log_odds, abs=1e-6)
    with pytest.raises(UserError, match="category 'Лодки' is unknown; expected one of Книги, Меб"):
        explain(predictor, given, "Лодки")


def test_words_and_photo_are_explained_where_the_answer_rests_on_them(
    pipeline: Pipeline, predictor: Predictor
) -> None:
    given, other = listing(pipeline, 48), Predictor(predictor.folder)
    assert other.fused is not None
    other.fused.answers_[("photo", "text", "price")] = Answer(("text",), None, None)
    found = explain(other, given)
    assert found.photo is None and found.words is not None
    # Alone it would say something.
    assert found.contributions["photo"] != 0
    other.fused.answers_[("photo", "text", "price")] = Answer(("photo",), None, None)
    found = explain(other, given)
    assert found.photo is not None and found.words is None


def test_a_listing_with_nothing_to_read_is_refused(predictor: Predictor) -> None:
    with pytest.raises(UserError, match="no photo, text or price to predict from"):
        explain(predictor, {"title": " "})


def test_the_effect_of_a_word_is_what_the_answer_loses_without_it(predictor: Predictor) -> None:
    whole = explain(predictor, {"title": "Мебель, МЕБЕЛЬ", "text": "и продаю мебель"})
    assert whole.words is not None and whole.words.by == "left out"
    found = {one.word: one for one in whole.words.found}
    assert list(found) == ["мебель", "продаю"]
    assert found["мебель"].title == [(0, 6), (8, 14)] and found["мебель"].text == [(9, 15)]
    without = explain(predictor, {"title": ",", "text": "и продаю"}, whole.category)
    assert found["мебель"].effect == pytest.approx(whole.log_odds - without.log_odds, abs=1e-5)


def test_words_beyond_the_limit_are_counted(predictor: Predictor) -> None:
    text = " ".join(f"слово{n}" for n in range(MOST_WORDS + 3))
    found = explain(predictor, {"title": "Книги", "text": text}).words
    assert found is not None
    assert (len(found.found), found.not_tried) == (MOST_WORDS, 4)


@given(st.text(st.sampled_from("аб уЁé/. İ👍[]phone_1"), max_size=60))
def test_places_of_words_are_those_that_bags_of_words_read(text: str) -> None:
    cleaned = clean(text)
    places = word_places(cleaned)
    assert " ".join(word for word, _, _ in places) == words(cleaned)
    assert all(words(cleaned[start:end]) == word for word, start, end in places)


@given(st.lists(st.sampled_from(["стол", "СТОЛ", "дуб,", "и", "(ель)", "[phone]"]), max_size=12))
def test_a_word_that_is_left_out_is_gone_and_the_others_stay(tokens: list[str]) -> None:
    text = " ".join(tokens)
    table = pd.DataFrame({"title": [text], "text": [""], "title_words": "x", "text_words": "x"})
    found = without_words(table, [{"стол"}, set()])
    kept = [word for word in words(text).split() if word != "стол"]
    assert found["title_words"].tolist() == [" ".join(kept), words(text)]
    assert found["title"][1] == text and found["title"][0].count("[phone]") == text.count("[phone]")


@pytest.mark.parametrize("classes", [2, 3])
def test_exact_parts_of_words_sum_to_the_score_of_a_linear_model(
    classes: int, pipeline: Pipeline, bundle: Path
) -> None:
    model = TfidfClassifier.load(bundle / "text")
    if classes == 2:
        both = model.classifier
        both.coef_ = both.coef_[1:2] * 2
        both.intercept_, both.classes_ = both.intercept_[:1], both.classes_[:2]
    # "книга" and "книги" have one stem.
    pair = ("мебель книги мебель", "продаю мебель книги книга неведомое")
    texts = text_columns(pd.Series([pair[0], ""]), pd.Series([pair[1], ""]))
    probs = model.score_texts(texts).probs[:, :classes]
    logs = np.log(probs) - np.log(probs).mean(1, keepdims=True)
    for column in range(classes):
        parts = word_parts(model, *pair, column)
        assert sum(parts.values()) == pytest.approx(logs[0, column] - logs[1, column], abs=1e-4)
    assert max(word_parts(model, *pair, 1), key=word_parts(model, *pair, 1).__getitem__) == "мебель"
    assert word_parts(model, *pair, 7) == {}


def test_a_linear_text_model_is_explained_exactly(bundle: Path) -> None:
    found = explain(Predictor(bundle), {"title": "МЕБЕЛЬ", "text": "продаю"}).words
    assert found is not None and found.by == "exact"
    assert found.found[0].word == "мебель" and found.found[0].effect > 0.5


def test_the_heat_is_where_the_photo_matters(
    pipeline: Pipeline, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that sees one corner alone has its heat there."""
    image = predictor.image
    assert image is not None

    def of_corner(photos: Any) -> Any:
        plain = exact(photos[:1].repeat(len(photos), 0))
        seen = photos[:, -4:, :4].mean((1, 2, 3)) > 128
        plain.probs[:] = np.where(seen[:, None], [0.9, 0.05, 0.05], [0.2, 0.4, 0.4])
        return plain

    exact = image.score
    monkeypatch.setattr(image, "score", of_corner)
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[-4:, :4] = 255
    content = BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    found = explain(predictor, {"photo": content.getvalue()}, predictor.info.classes[0]).photo
    assert found is not None
    assert found.patch == (0, 0.75, 0.25, 1)
    assert found.heat.shape == (CELLS, CELLS)
    assert found.heat[-1, 0] == found.heat.max() == pytest.approx(found.effect)
    assert found.heat[0].tolist() == [0.0] * CELLS


def test_a_patch_covers_its_cells_and_no_others() -> None:
    photo = np.arange(30 * 30 * 3, dtype=np.uint8).reshape(30, 30, 3)
    times = np.zeros((30, 30), int)
    for place in range(PLACES**2):
        found = cover(photo, place, np.array([300 % 256, 0, 7], np.uint8))
        changed = (found != photo).any(2)
        assert (found[changed] == [44, 0, 7]).all()
        times += changed
    assert times.max() == SIDE**2 and (times[[0, 0, -1, -1], [0, -1, 0, -1]] == 1).all()
    assert (photo == np.arange(30 * 30 * 3, dtype=np.uint8).reshape(30, 30, 3)).all()


def test_a_training_ad_is_nearest_to_itself_and_test_ads_are_none(
    pipeline: Pipeline, predictor: Predictor
) -> None:
    for row in (0, 5, 6, 20):
        ads = explain(predictor, listing(pipeline, row)).nearest
        assert ads[0].id == f"r{row:02}"
        assert ads[0].similarity == pytest.approx(1, abs=0.01)
        assert [ad.similarity for ad in ads] == sorted((ad.similarity for ad in ads), reverse=True)
    known = set(predictor.ads.about["id"])
    assert known == set(pipeline.raw["id"][:48])
    assert explain(predictor, {"price": 100}).nearest == []


def test_the_bundle_keeps_of_ads_what_is_shown_and_no_more(
    pipeline: Pipeline, bundle: Path, tmp_path: Path
) -> None:
    kept = pd.read_parquet(bundle / ADS)
    assert kept.columns.tolist() == ["id", "category", "title"]
    refitted = pipeline.bundle(tmp_path / "b", refit=True)
    # Models that are fitted again learn from test as well.
    assert pd.read_parquet(refitted / ADS)["id"].tolist() == pipeline.raw["id"].tolist()
    assert len(pd.read_parquet(refitted / ADS)) == read_json(refitted / "bundle.json")["fitted_on"][
        "text"
    ] + 3  # fmt: skip


def test_a_bundle_of_one_model_is_explained_by_it(pipeline: Pipeline, tmp_path: Path) -> None:
    alone = Predictor(pipeline.bundle(tmp_path / "b", image_row="", fused_row=""))
    found = explain(alone, {"title": "МЕБЕЛЬ"})
    assert list(found.contributions) == ["text"]
    shares = pipeline.raw["category"][:48].value_counts(normalize=True)
    assert found.prior_log_odds == pytest.approx(
        log_odds(np.array([[shares[found.category], 1 - shares[found.category]]]))[0, 0]
    )
    assert found.contributions["text"] == pytest.approx(found.log_odds - found.prior_log_odds)


def test_an_explanation_is_plain_json(pipeline: Pipeline, predictor: Predictor) -> None:
    for row in (48, 50, 51):
        found: Explanation = explain(predictor, listing(pipeline, row))
        shape = json.loads(json.dumps(found.as_json()))
        assert shape.keys() == vars(found).keys()
        assert shape["words"] is None or shape["words"].keys() == {"by", "found", "not_tried"}
        assert shape["photo"] is None or len(shape["photo"]["heat"][7]) == CELLS
        assert shape["nearest"][0].keys() == {"id", "title", "category", "similarity"}


def test_explaining_imports_no_pytorch(predictor: Predictor) -> None:
    code = f"""
import sys
from pathlib import Path
from src.predict.explain.explanation import explain
from src.predict.predictor import Predictor
explain(Predictor(Path({str(predictor.folder)!r})), {{"title": "мебель", "price": 5}})
heavy = {{"torch", "transformers", "timm", "lightning", "mlflow", "skops"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
