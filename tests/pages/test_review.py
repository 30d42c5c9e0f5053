"""Decisions: written at once, undone, and never in place of what another has written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.errors import UserError
from src.core.files import write_json
from src.core.listings import PREPARED, RAW, write_listings
from src.pages.decisions import Decisions, file_of
from src.pages.photos import NO_PHOTOS
from src.pages.review import review_app
from src.pages.suspects import suspected
from src.pages.teaching import most_teaching, teaching
from src.predict.predictor import Predictor
from src.prepare.corrections import Correction, latest, read_corrections, write_corrections
from tests.made import CLASSES, made_table
from tests.pages.conftest import asked, client, review
from tests.predict.conftest import Pipeline


def stored(path: Path) -> dict[str, tuple[str, str, str]]:
    return {one.id: (one.category, one.was, one.by) for one in read_corrections(path)}


def test_a_decision_is_in_the_file_at_once_and_undone_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "anna.csv"
    page = client(review(path))
    for listing, category in (("s00", CLASSES[1]), ("s01", CLASSES[0]), ("s02", "")):
        assert page.post("/decide", json={"id": listing, "category": category}).status_code == 200
        assert stored(path)[listing] == (category, CLASSES[0], "anna")
    assert [one["id"] for one in page.get("/asked").json()["asked"]][:2] == ["s03", "s04"]
    assert [page.post("/undo", json={}).json()["id"] for _ in range(4)] == [
        "s02",
        "s01",
        "s00",
        None,
    ]
    assert stored(path) == {} and len(page.get("/asked").json()["asked"]) == 12


def test_only_what_is_asked_about_is_decided(tmp_path: Path) -> None:
    page = client(review(tmp_path / "anna.csv"))
    for wrong in ({"id": "r99", "category": ""}, {"id": "s00", "category": "Танки"}):
        answer = page.post("/decide", json=wrong)
        assert answer.status_code == 400
        assert wrong["id" if wrong["id"] == "r99" else "category"] in answer.json()["error"]
    assert not (tmp_path / "anna.csv").exists()


def test_a_listing_with_a_long_id_can_be_decided(tmp_path: Path) -> None:
    one = replace(asked(1)[0], id="https://example.org/" + "x" * 500)
    decisions = Decisions(tmp_path / "anna.csv", "anna")
    page = client(review_app([one], CLASSES, decisions, NO_PHOTOS))
    assert page.post("/decide", json={"id": one.id, "category": ""}).status_code == 200
    assert set(stored(tmp_path / "anna.csv")) == {one.id}


def test_a_decision_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = client(review(tmp_path / "anna.csv"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("src.prepare.corrections.astuple", full)
    answer = page.post("/decide", json={"id": "s00", "category": ""})
    assert (answer.status_code, answer.json()["error"]) == (500, "No space left on device")


def test_undo_restores_a_former_decision_and_keeps_those_of_another_page(tmp_path: Path) -> None:
    path = tmp_path / "anna.csv"
    former = Correction("s00", "A", "B", "anna", "2026-01-01")
    write_corrections([former], path)
    decisions, other = Decisions(path, "anna"), Decisions(path, "anna")
    decisions.decide("s00", "C", "B")
    other.decide("s01", "C", "B")
    assert set(stored(path)) == {"s00", "s01"}
    assert decisions.undo() == "s00" and decisions.undo() is None
    assert latest(read_corrections(path))["s00"] == former and "s01" in stored(path)


def test_what_another_person_decided_in_the_same_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "anna.csv"
    imported = Correction("s00", "A", "B", "anna@example.org", "2026-01-01")
    write_corrections([imported], path)
    decisions = Decisions(path, "anna")
    decisions.decide("s00", "C", "B")
    assert imported in read_corrections(path) and stored(path)["s00"] == ("C", "B", "anna")
    assert decisions.undo() == "s00" and read_corrections(path) == [imported]


def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "anna.csv"
    decisions = Decisions(path, "anna")
    decisions.decide("s00", "A", "B")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("src.prepare.corrections.astuple", full)
    with pytest.raises(OSError, match="No space"):
        decisions.decide("s01", "A", "B")
    assert path.read_bytes() == before
    monkeypatch.undo()
    # What was not written is not undone.
    assert decisions.undo() == "s00"


@pytest.mark.parametrize(
    ("by", "name"),
    [
        ("anna", "anna.csv"),
        ("Анна К.", "Анна_К_.csv"),
        ("../../etc/x", "_etc_x.csv"),
        ("", "_.csv"),
    ],
)
def test_a_name_makes_a_file_in_the_folder(by: str, name: str, tmp_path: Path) -> None:
    assert file_of(tmp_path, by) == tmp_path / name


def test_suspects_come_with_the_label_as_collected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run `dvc repro` first"):
        suspected(tmp_path)
    table = made_table()
    write_listings(table, tmp_path / "prepared" / "listings.parquet", PREPARED)
    raw = table.assign(category="Прочее", photo=None, seller=None, split=None)
    write_listings(raw, tmp_path / "raw" / "listings.parquet", RAW)
    errors = {"id": ["r03", "r01"], "given": "Книги", "likelier": "Обувь", "likelier_prob": 0.9,
              "self_confidence": 0.05, "rank": [2, 1], "added_by_photo": 0.0,
              "added_by_text": 2.5, "added_by_price": -0.5}  # fmt: skip
    (tmp_path / "evaluation").mkdir()
    pd.DataFrame(errors).to_parquet(tmp_path / "evaluation" / "label_errors.parquet")
    nearest = {"id": ["r01", "r01", "r02"], "title": list("abc"), "category": "Обувь",
               "similarity": 0.5}  # fmt: skip
    pd.DataFrame(nearest).to_parquet(tmp_path / "evaluation" / "nearest.parquet")
    write_json(tmp_path / "prepared" / "notes.json", {"labels": "as collected"})
    found, categories = suspected(tmp_path)
    assert [ad["title"] for ad in found[0].nearest] == ["a", "b"] and found[1].nearest == []
    assert [one.id for one in found] == ["r01", "r03"] and categories == ["Прочее"]
    assert (found[0].was, found[0].given, found[0].suggested) == ("Прочее", "Книги", "Обувь")
    assert found[0].added == {"text": 2.5, "price": -0.5}
    write_json(tmp_path / "prepared" / "notes.json", {"labels": "shuffled"})
    with pytest.raises(UserError, match=r"the labels were shuffled \(prepare.shuffle_labels\)"):
        suspected(tmp_path)


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 30), st.integers(0, 99))
def test_as_many_are_chosen_as_there_are_and_none_twice(n: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    margins, features = rng.random(n), rng.normal(size=(n, 3)).astype(np.float32)
    chosen = most_teaching(margins, features, count)
    assert len(chosen) == len(set(chosen)) == min(n, count)
    assert (np.diff(margins[chosen]) >= 0).all()


def test_the_unsure_are_chosen_and_not_ten_of_a_kind() -> None:
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.eye(4, dtype=np.float32), 25, axis=0)
    features = kinds + rng.normal(0, 0.01, kinds.shape).astype(np.float32)
    margins = np.full(100, 0.9)
    # As many as are compared: ten for each that is wanted.
    margins[[*range(10), *range(25, 35)]] = 0.1
    chosen = most_teaching(margins, features, 2)
    assert {int(row) // 25 for row in chosen} == {0, 1}


def test_listings_of_an_unlabelled_table_are_chosen_with_their_photos(
    predictor: Predictor, pipeline: Pipeline, tmp_path: Path
) -> None:
    raw = pipeline.raw.rename(columns={"text": "description", "photo": "image"})
    raw.drop(columns="category").to_csv(tmp_path / "ads.csv", index=False)
    found = teaching(predictor, tmp_path / "ads.csv", pipeline.photos, 8, {"r00", "r01"})
    ids = [one.id for one in found.asked]
    assert len(set(ids)) == 8 and not {"r00", "r01"} & set(ids) and set(ids) <= set(raw["id"])
    for one in found.asked:
        assert one.was == one.given == "" and one.suggested in CLASSES
        assert one.suggested_prob >= one.given_prob
        has = bool(pd.notna(raw.set_index("id")["image"][one.id]))
        assert found.photos.has(one.id) == has == (found.photos.jpeg(one.id) is not None)
    with pytest.raises(UserError, match="no unlabelled listings in the table"):
        teaching(predictor, tmp_path / "ads.csv", pipeline.photos, 8, set(raw["id"]))
    with pytest.raises(UserError, match="is not a folder of photos; give one with --photos"):
        teaching(predictor, tmp_path / "ads.csv", tmp_path / "none", 8)
    raw.rename(columns=str.upper).to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(UserError, match="has none of the columns id, title"):
        teaching(predictor, tmp_path / "other.csv", pipeline.photos, 8)


def test_an_unlabelled_table_is_read_as_for_predictions(
    predictor: Predictor, pipeline: Pipeline, tmp_path: Path
) -> None:
    photo = pipeline.raw["photo"].dropna().iloc[0]
    lines = [
        "title;price;image",
        "книги;950,05;elsewhere/a/none.jpg",
        "стол;5;6;7",
        f"обувь;1,257;elsewhere/a/{photo}",
    ]
    (tmp_path / "ads.csv").write_text("\n".join(lines), encoding="utf-8")
    found = teaching(predictor, tmp_path / "ads.csv", pipeline.photos, 8)
    # The second row cannot be read; the other prices tell that the comma is before decimals.
    prices = {one.id: one.price for one in found.asked}
    assert prices == {"row-1": 950.05, "row-3": 1.257}
    assert found.photos.has("row-3") and not found.photos.has("row-1")
