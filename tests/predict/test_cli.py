"""`python -m src.predict`: one listing or a table, and one line for every mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import src.predict.bulk
from src.artifacts.outputs import RowOutput
from src.cleaning.prices import PriceReader
from src.cleaning.tables.table import UserTable
from src.evaluation.calibration import apply_temperature
from src.fusion.shapley import log_odds
from src.predict.predictor import (
    NOTHING_TO_READ,
    UNKNOWN_TEXT,
    ListingPredictions,
    Predictor,
)
from src.predict.read_table import how_it_is_read, table_positions
from tests.predict.conftest import Pipeline, Run

ROOT = Path(__file__).parents[2]
QUOTES_NOTED = "quotes that do not pair, read as text (line 3)"


def table_of(pipeline: Pipeline) -> pd.DataFrame:
    """The test split as a user's table, under the names that the bundle expects."""
    raw = pipeline.raw.iloc[48:].rename(columns={"text": "description", "photo": "image"})
    return raw[["id", "title", "description", "price", "image"]]


def test_one_listing_is_shown_as_a_small_table_or_as_json(run: Run, pipeline: Pipeline) -> None:
    listing = ("--title", "КНИГИ", "--price", "1 500 ₽", "--photo", pipeline.photos / "48.jpg")
    lines = run(*listing, "--top", 2).splitlines()
    found = json.loads(run(*listing, "--json"))
    assert len(lines) == 2
    assert lines[0] == f"{found['probability']:.3f}  {found['category']}"
    assert found["used"] == "photo+text+price"
    assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert max(found["probabilities"], key=found["probabilities"].get) == found["category"]


def test_the_explanation_of_one_listing_is_lines_or_json(run: Run, pipeline: Pipeline) -> None:
    listing = ("--title", "КНИГИ", "--price", 200, "--photo", pipeline.photos / "48.jpg")
    plain, explained = run(*listing, "--json"), json.loads(run(*listing, "--json", "--explain"))
    why = explained.pop("explanation")
    assert explained == json.loads(plain)
    assert why["category"] == explained["category"]
    assert why["contributions"].keys() == {"photo", "text", "price"}
    total = why["prior_log_odds"] + sum(why["contributions"].values())
    assert total == pytest.approx(why["log_odds"], abs=1e-6)
    lines = run(*listing, "--explain").splitlines()
    assert lines[4] == f"why {why['category']}, in log-odds:"
    assert lines[6] == f"  {why['contributions']['photo']:+.2f}  photo"
    ad = why["nearest"][0]
    assert f"  {ad['similarity']:.2f}  {ad['category']}: {ad['title']} ({ad['id']})" in lines


def test_a_table_is_explained_by_further_columns(
    run: Run, pipeline: Pipeline, tmp_path: Path
) -> None:
    table_of(pipeline).to_csv(tmp_path / "listings.csv", index=False)
    for name, more in (
        ("plain.csv", ()),
        ("why.csv", ("--explain",)),
        ("why.parquet", ("--explain",)),
    ):
        run(tmp_path / "listings.csv", "--photos", pipeline.photos, "--out", tmp_path / name, *more)
    plain, why = (pd.read_csv(tmp_path / name) for name in ("plain.csv", "why.csv"))
    new = ["why_prior", "why_photo", "why_text", "why_price", "why_words", "why_nearest"]
    assert why.columns.difference(plain.columns, sort=False).tolist() == new
    pd.testing.assert_frame_equal(why[plain.columns], plain)
    exact = pd.read_parquet(tmp_path / "why.parquet").set_index("id")
    assert exact["why_photo"].isna().sum() == 2 and exact["why_text"].isna().sum() == 3
    probs = exact[[name for name in exact if name.startswith("p_")]].to_numpy()
    odds = log_odds(probs)[np.arange(len(probs)), probs.argmax(1)]
    added = exact[["why_prior", "why_photo", "why_text", "why_price"]].fillna(0).sum(axis=1)
    np.testing.assert_allclose(added, odds, atol=1e-6)
    assert exact.loc["r48", "why_words"].startswith("книги +")
    assert exact.loc["r48", "why_nearest"].count("; ") == 4


def test_equally_likely_categories_come_in_their_own_order(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    probs = np.array([[0.4, 0.2, 0.4]], np.float32)
    tied = ListingPredictions(["a", "b", "c"], probs, ["text"], [""])
    monkeypatch.setattr(Predictor, "predict_scored", lambda *_: tied)
    lines = run("--title", "x").splitlines()
    assert [line.split()[-1] for line in lines] == ["a", "c", "b"]
    assert json.loads(run("--title", "x", "--json"))["category"] == "a"


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_a_prediction_writes_no_file(bundle: Path, tmp_path: Path) -> None:
    # Longer than a file may be named.
    asked = ["--text", "дубовый стол, самовывоз " * 30, "--bundle", str(bundle)]
    done = subprocess.run(
        [sys.executable, "-m", "src.predict", *asked],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and len(done.stdout.splitlines()) > 1
    assert "based on text;" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_table_is_predicted_in_order_and_alike_in_batches_of_any_size(
    run: Run, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = pipeline.predictions("tfidf", "stack")
    table = table_of(pipeline)
    table.to_csv(tmp_path / "listings.csv", index=False)
    table.to_parquet(tmp_path / "listings.parquet")
    monkeypatch.setattr(src.predict.bulk.predict_table, "__defaults__", (5,))
    for ending, other in (("csv", "parquet"), ("parquet", "csv")):
        out = tmp_path / f"out.{ending}"
        run(tmp_path / f"listings.{other}", "--photos", pipeline.photos, "--out", out)
        found = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
        assert found["id"].tolist() == expected.ids.tolist()
        probs = found[[f"p_{name}" for name in expected.classes]].to_numpy()
        calibrated = apply_temperature(expected.probs, 1.0)
        np.testing.assert_allclose(probs, calibrated, atol=1e-5)
        assert found["category"].tolist() == expected.classes[expected.probs.argmax(1)].tolist()
        np.testing.assert_allclose(found["probability"], calibrated.max(1), atol=1e-5)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_what_cannot_be_read_is_noted_and_the_rest_is_used(
    run: Run, pipeline: Pipeline, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "page.jpg").write_text("<html>")
    (tmp_path / "photos" / "link.jpg").symlink_to(pipeline.photos / "48.jpg")
    table = pd.DataFrame(
        [
            ("a", "книги", "100", "page.jpg"),
            ("b", "книги", "много", "none.jpg"),
            ("c", "", "", "page.jpg"),
            ("d", "книги", "", "link.jpg"),
            ("e", "NA", "", "x" * 300),
        ],
        columns=["id", "name", "price", "image"],
    )
    table.to_csv(tmp_path / "t.csv", index=False, sep=";")
    printed = run(
        *(tmp_path / "t.csv", "--photos", tmp_path / "photos", "--out", tmp_path / "o.csv"),
        *("--column", "title=name"),
    )
    assert printed == f"{tmp_path / 'o.csv'}: 5 listings, 2 without a prediction, 5 with a note\n"
    found = pd.read_csv(tmp_path / "o.csv", keep_default_na=False)
    assert found["used"].tolist() == ["text+price", "text", "", "text", ""]
    assert found["note"].tolist() == [
        "photo: not an image of an allowed type",
        "price cannot be read; photo: not in the folder",
        "photo: not an image of an allowed type",
        "photo: outside the folder",
        # "NA" is no text, not even an unknown one.
        "photo: cannot be read",
    ]
    assert found["error"].tolist() == ["", "", NOTHING_TO_READ, "", NOTHING_TO_READ]
    assert found["category"][2] == "" and found["probability"][2] == ""


def test_a_table_without_ids_gets_row_numbers_across_batches(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.csv").write_text("title\nкниги\nстол\nобувь\n", encoding="utf-8")
    monkeypatch.setattr(src.predict.bulk.predict_table, "__defaults__", (2,))
    run(tmp_path / "t.csv", "--out", tmp_path / "o.csv")
    assert pd.read_csv(tmp_path / "o.csv")["id"].tolist() == ["row-1", "row-2", "row-3"]


def test_a_table_is_read_twice_in_all(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.csv").write_text("title,price,photo\nкниги,5,a.jpg\n", encoding="utf-8")
    passes, rows = [], UserTable.rows
    monkeypatch.setattr(
        UserTable, "rows", lambda *args, **kinds: passes.append(1) or rows(*args, **kinds)
    )
    run(tmp_path / "t.csv", "--out", tmp_path / "o.csv")
    assert len(passes) == 2


def test_a_table_is_read_as_collect_reads_it_and_rows_that_cannot_be_are_told(
    run: Run, tmp_path: Path
) -> None:
    lines = ["id;title;price", "a;книги;1500", 'b;"стол;5', "c;книги;1500", "d;обувь;5;6"]
    (tmp_path / "t.csv").write_bytes("\r\n".join(lines).encode("cp1251"))
    run(tmp_path / "t.csv", "--out", tmp_path / "o.csv")
    found = pd.read_csv(tmp_path / "o.csv", keep_default_na=False)
    assert found["id"].tolist() == ["a", "b", "c", ""]
    wide = "more or fewer cells than the header (line 5)"
    assert found["error"].tolist() == ["", "", "", wide]
    assert found["category"][3] == "" and found["probability"][3] == ""
    assert found["note"].tolist() == ["", f"{UNKNOWN_TEXT}; {QUOTES_NOTED}", "", ""]
    assert found.iloc[0, 1:].tolist() == found.iloc[2, 1:].tolist()


def test_columns_that_a_table_lacks_are_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("title,text,price\nкниги,старые,5\n", encoding="utf-8")
    table = UserTable(tmp_path / "t.csv", [])
    columns = {"title": "title", "text": "description", "price": "price", "photo": ""}
    said = how_it_is_read(table, columns, table_positions(table, columns, ()), PriceReader())
    assert "; no column for text ('description'); it has title, text, price: name yours" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--title", "x", "--bundle", "none"], "none: there is no bundle; make it with"),
        (["--photo", "none.jpg"], "photo: the file is missing (none.jpg)"),
        (["--title", "x", "--photo", "t.csv"], "photo: not an image of an allowed type"),
        (["--title", "x", "--price", "много"], "price cannot be read (много)"),
        (["--title", "x", "--price", "от 500"], "price is a range or a limit (от 500)"),
        (["--title", " "], f"{NOTHING_TO_READ}; give more of"),
        (["none.csv", "--out", "o.csv"], "none.csv: there is no such file; give"),
        (["t.csv", "--out", "o.xlsx"], "o.xlsx: expected a name that ends in .csv or .parquet"),
        (
            ["t.csv", "--out", "o.csv"],
            "t.csv has none of the columns title, description, price, image; it",
        ),
        (["t.csv", "--out", "o.csv", "--column", "name"], "--column name: expected FIELD=NAME"),
        (
            ["t.csv", "--out", "o.csv", "--column", "photo=name", "--photos", "p"],
            "p is not a folder of photos",
        ),
        (
            ["t.csv", "--out", "o.csv", "--column", "photo=name", "--photos", "one.csv"],
            "one.csv is not a folder of photos; give one with --photos",
        ),
        (["empty.csv", "--out", "o.csv"], "empty.csv has no rows"),
        (["t.xlsx", "--out", "o.csv"], "t.xlsx is an Excel workbook (.xlsx) or another ZIP"),
        (["t.parquet", "--out", "o.csv"], "t.parquet does not begin as a Parquet file does"),
        (["ragged.csv", "--out", "o.csv"], "ragged.csv: 2 of its first 2 rows have 3 cells"),
        (["twice.csv", "--out", "o.csv"], "twice.csv has 2 columns named 'title'; rename"),
        (
            ["one.csv", "--out", "o.csv", "--column", "price=typo"],
            "--column price=typo: one.csv has no column 'typo'; it has title",
        ),
        (
            ["one.csv", "--out", "o.csv", "--photos", "."],
            "--column photo=image: one.csv has no column 'image'; it has title: name yours with",
        ),
    ],
)
def test_a_mistake_ends_in_one_line_and_nothing_is_written(
    arguments: list[str], message: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("name\nстол\n", encoding="utf-8")
    Path("t.parquet").write_bytes(b"broken")
    Path("empty.csv").write_text("title\n", encoding="utf-8")
    Path("t.xlsx").write_bytes(b"PK\x03\x04")
    Path("ragged.csv").write_text("title,price\na,b,c\na,b,c\n", encoding="utf-8")
    Path("twice.csv").write_text("title,title\nстол,стул\n", encoding="utf-8")
    Path("one.csv").write_text("title\nстол\n", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert str(stopped.value).startswith(f"error: {message}")
    assert "\n" not in str(stopped.value)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a listing (--title, --text, --price, --photo) or a table"),
        (["t.csv"], "a table needs --out"),
        (["t.csv", "--out", "o.csv", "--title", "x"], "--title is for a single listing"),
        (["t.csv", "--out", "o.csv", "--json"], "--json is for a single listing"),
        (["t.csv", "--out", "o.csv", "--top", "2"], "--top is for a single listing"),
        (["--title", "x", "--out", "o.csv"], "--out is for a table of listings"),
        (["--title", "x", "--photos", "p"], "--photos is for a table of listings"),
        (["--title", "x", "--column", "title=name"], "--column is for a table of listings"),
        (["--json"], "give a listing"),
        (["--title", "x", "--json", "--top", "2"], "--json prints all categories"),
        (["--title", "x", "--top", "-1"], "argument --top: '-1': expected a whole number of at"),
        (["--title", "x", "--top", "0"], "argument --top: '0': expected a whole number of at"),
        (["t.csv", "--out", ""], "argument --out: is empty; expected a path"),
        (["--title", "x", "--photo", ""], "argument --photo: is empty; expected a path"),
        (["", "--out", "o.csv"], "argument table: is empty; expected a path"),
        (["t.csv", "--out", "~nobody-here/o.csv"], "--out: '~nobody-here/o.csv': there is no such"),
        (["--title", "x", "--top", "two"], "argument --top: 'two': expected a whole number of at"),
    ],
)
def test_options_that_would_be_ignored_are_a_usage_error(
    arguments: list[str], message: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_result_takes_the_place_of_an_earlier_result_alone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("title\nстол\n", encoding="utf-8")
    Path("folder.csv").mkdir()
    Path("folder.csv/mine").touch()
    Path("link.csv").symlink_to("t.csv")
    Path("dangling.csv").symlink_to("nowhere.csv")
    Path("same.csv").hardlink_to("t.csv")
    for out, why in (
        ("folder.csv", "is not a file but exists"),
        ("link.csv", "is a link"),
        ("dangling.csv", "is a link"),
        ("t.csv", "is the table to predict"),
        ("./folder.csv/../t.csv", "is the table to predict"),
        ("same.csv", "is the table to predict"),
        ("t.csv/o.csv", "t.csv is not a folder"),
        ("/dev/stdout", "is not a folder"),
        ("/dev/null", "is not a folder"),
        ("/proc/o.csv", "no file can be written in /"),
        ("/proc/new/o.csv", "no file can be written in /"),
        ("x" * 252 + ".csv", "File name too long"),
    ):
        with pytest.raises(SystemExit, match=rf"^error: .*{why}"):
            run("t.csv", "--out", out)
    assert Path("t.csv").read_text(encoding="utf-8") == "title\nстол\n"
    assert Path("folder.csv/mine").exists() and not Path("nowhere.csv").exists()
    for _ in range(2):
        run("t.csv", "--out", "new/o.csv")
    assert len(pd.read_csv("new/o.csv")) == 1
    long = "ж" * 120 + ".csv"
    run("t.csv", "--out", long)
    assert len(pd.read_csv(long)) == 1


def test_a_home_folder_may_be_written_as_people_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "t.csv").write_text("title,image\nстол,\n", encoding="utf-8")
    run("~/t.csv", "--out=~/o.csv", "--photos=~/")
    assert (tmp_path / "o.csv").exists()


def test_a_reader_that_stops_early_is_no_error(bundle: Path) -> None:
    command = f"{sys.executable} -m src.predict --title стол --json --bundle '{bundle}'"
    done = subprocess.run(
        ["bash", "-c", f"{command} | true"], cwd=ROOT, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


@pytest.mark.parametrize("kind", ["image", "text"])
def test_a_bundle_of_one_model_predicts_by_it_alone(
    kind: str, pipeline: Pipeline, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {"image_row": "", "text_row": "", "fused_row": ""}
    rows[f"{kind}_row"] = {"image": "cnn", "text": "tfidf"}[kind]
    folder = pipeline.bundle(tmp_path / "b", **rows)
    photo, given = pipeline.photos / "48.jpg", {"image": "photo", "text": "text"}[kind]
    listing = ("--title", "КНИГИ", "--photo", photo, "--bundle", folder)
    found = json.loads(run(*listing, "--json"))
    assert found["used"] == given
    run(*listing)
    other = ("--photo", photo) if kind == "text" else ("--title", "КНИГИ")
    more = "--photo" if kind == "image" else "more of --title and --text"
    with pytest.raises(SystemExit, match=f"^error: no {given} to predict from; give {more}$"):
        run(*other, "--price", "100", "--bundle", folder)
    table_of(pipeline).to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "o.csv"
    run(tmp_path / "t.csv", "--photos", pipeline.photos, "--out", out, "--bundle", folder)
    predicted = pd.read_csv(out, keep_default_na=False)
    assert set(predicted["used"]) == {given, ""}
    row = {"image": "cnn", "text": "tfidf"}[kind]
    output = RowOutput.load(pipeline.data / "embeddings" / row).full
    probs = pd.DataFrame(output.probs, output.ids)
    for line in predicted[predicted["used"] != ""].to_dict("records"):
        expected = apply_temperature(probs.loc[[line["id"]]].to_numpy(), 1.0)[0]
        np.testing.assert_allclose(
            [float(line[f"p_{name}"]) for name in output.classes], expected, atol=1e-4
        )
