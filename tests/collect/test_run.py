"""The stage as a whole: its files, and what stops it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

import src.collect.table
from src.collect.collected import Collected
from src.collect.demo.catalog import CATEGORIES
from src.collect.photo_fetcher import PhotoFetcher
from src.collect.run import collect
from src.collect.table import read_table
from src.core.errors import UserError
from src.core.listings import RAW, read_listings
from src.core.params import parse_params
from src.core.schema import Collect
from stages import collect as stage
from tests.made import made_photo


def demo_of(settings: Collect, listings: int) -> Collect:
    demo = settings.demo.model_copy(update={"listings": listings})
    return settings.model_copy(update={"demo": demo})


def test_the_demo_writes_everything_and_twice_the_same(settings: Collect, tmp_path: Path) -> None:
    for name in ("a", "b"):
        collect(demo_of(settings, 60), 7, tmp_path / name, tmp_path / "crawl")
    files = [
        {str(p.relative_to(tmp_path / n)): p.read_bytes() for p in (tmp_path / n).rglob("*.*")
         if p.is_file()}
        for n in ("a", "b")
    ]  # fmt: skip
    assert files[0] == files[1]
    table = read_listings(tmp_path / "a" / "listings.parquet", RAW)
    truth = pd.read_parquet(tmp_path / "a" / "notes" / "truth.parquet")
    assert set(table["id"]) == set(truth["id"])
    joined = table.merge(truth, on="id", suffixes=("", "_true"))
    assert (joined["category"] == joined["category_shown"]).all()
    assert set(table["category"]) <= {category.name for category in CATEGORIES}
    stored = {str(p.relative_to(tmp_path / "a/photos")) for p in tmp_path.glob("a/photos/*/*.jpg")}
    assert stored == set(table["photo"].dropna())
    assert (joined["photo"].isna() == joined["photo_true"].isin(["none", "broken"])).all()
    assert (joined["listed"] == joined["listed_true"]).all()
    assert not list((tmp_path / "crawl").iterdir())
    counts = json.loads((tmp_path / "a" / "notes" / "counts.json").read_text())
    assert counts["listings"] == 60 and counts["source"] == "demo"
    names = {p.name for p in (tmp_path / "a" / "notes").iterdir()}
    assert names == {"rejected.csv", "noted.csv", "counts.json", "truth.parquet"}


def test_a_table_writes_its_folders_but_no_truth(settings: Collect, tmp_path: Path) -> None:
    out = _table_run(settings, tmp_path, "id,title,category\n1,Стул,Мебель\n2,,Мебель\n")
    table = read_listings(out / "listings.parquet", RAW)
    assert (
        table["photo"].isna().all() and table["split"].isna().all() and table["price"].isna().all()
    )
    assert (out / "photos").is_dir()
    assert {p.name for p in (out / "notes").iterdir()} == {
        "rejected.csv",
        "noted.csv",
        "counts.json",
    }
    expected = {"id": "2", "reason": "neither text nor photo", "detail": ""}
    assert _rejected(out) == [expected]


def test_nothing_collected_is_an_error_and_changes_nothing_but_the_notes(
    settings: Collect, tmp_path: Path
) -> None:
    out = _table_run(settings, tmp_path, "id,title,category\n1,Стул,Мебель\n")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file() and p.parent.name != "notes"}
    why = r"from table \(no category: 1 \(e\.g\. id 1, line 2\)\); check the settings"
    with pytest.raises(UserError, match=why):
        _table_run(settings, tmp_path, "id,title,category\n1,Стул,\n")
    kept = {p: p.read_bytes() for p in out.rglob("*") if p.is_file() and p.parent.name != "notes"}
    assert kept == before
    assert not list(out.glob(".*"))
    assert _rejected(out) == [{"id": "1", "reason": "no category", "detail": "line 2"}]


def test_unusable_ids_are_an_error_that_says_the_way_out(settings: Collect, tmp_path: Path) -> None:
    way_out = (
        r"e\.g\. id шт-1, line 2: шт-1.*set collect\.table\.columns\.id to '' to number the rows"
    )
    with pytest.raises(UserError, match=way_out):
        _table_run(settings, tmp_path, "id,title,category\nшт-1,Стул,Мебель\n")
    with pytest.raises(UserError, match=r"last digits are lost.*to number the rows"):
        _table_run(settings, tmp_path, "id,title,category\n1.234E+10,Стул,Мебель\n")


def test_the_summary_counts_all_rows_and_gives_an_example_of_each_reason(
    settings: Collect, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["1,Стул,Мебель", "2,Стул", "3,Стул,", "4,Стол,Мебель", "5,Стул,nan", "1,Шкаф,мебель"]
    _table_run(settings, tmp_path, "\n".join(["id,title,category", *rows, "6,Кот,мебель"]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("t.csv: CSV in UTF-8, separated by commas")
    assert lines[1].startswith("no column 'part': the listings get a new split")
    assert "Мебель (2), мебель (2)" in lines[2] and "only in case or look-alike letters" in lines[2]
    assert lines[3] == "table rows read: 7 = 3 collected + 4 set aside"
    assert "of 3 listings, with a photo: 0, with a text: 3" in lines[4]
    for reason in (
        "more or fewer cells than the header: 1 (e.g. line 3)",
        "no category: 1 (e.g. id 3, line 4)",
        "category is a word for a missing value: 1 (e.g. id 5, line 6: nan)",
        "id occurs earlier in the table: 1 (e.g. id 1, line 7)",
    ):
        assert reason in lines[5]


def test_the_summary_counts_photos_and_says_each_reason_once(
    settings: Collect, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(made_photo())
    (tmp_path / "b.jpg").write_bytes(made_photo()[:-40])
    rows = ["1,Стул,Мебель,a.jpg", "2,Стул,Мебель,b.jpg", "3,Стул,Мебель,c.jpg", "4,Стул,Мебель,"]
    _table_run(settings, tmp_path, "\n".join(["id,title,category,image", *rows]), photo="image")
    printed = capsys.readouterr().out
    assert "photos named: 3 = 1 found + 1 missing + 1 broken\n" in printed
    assert "of 4 listings, with a photo: 1," in printed
    assert printed.count("photo: broken or truncated: 1 (e.g. id 2, b.jpg)") == 1
    assert printed.count("not in the folder") == printed.count("broken or truncated") == 1


def test_a_row_that_is_lost_is_a_fault_of_the_program(
    settings: Collect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_less(*arguments: object, **options: object) -> Collected:
        collected = read_table(*arguments, **options)  # type: ignore[arg-type]
        collected.listings = list(collected.listings)[1:]
        return collected

    monkeypatch.setattr(src.collect.table, "read_table", one_less)
    with pytest.raises(AssertionError, match="2 table rows were read, 1 collected and 0 set aside"):
        _table_run(settings, tmp_path, "id,title,category\n1,Стул,Мебель\n2,Стол,Мебель\n")


def _rejected(out: Path) -> list[dict[str, str]]:
    rejected = pd.read_csv(out / "notes" / "rejected.csv", dtype=str, keep_default_na=False)
    return rejected.to_dict("records")


def _table_run(settings: Collect, folder: Path, csv: str, photo: str = "") -> Path:
    (folder / "t.csv").write_text(csv, encoding="utf-8")
    columns = settings.table.columns.model_copy(update={"text": "", "price": "", "photo": photo})
    table = settings.table.model_copy(
        update={"folder": str(folder), "path": "t.csv", "photos": ".", "columns": columns}
    )
    settings = settings.model_copy(update={"source": "table", "table": table})
    collect(settings, 7, folder / "out", folder / "crawl")
    return folder / "out"


def test_a_demo_that_was_killed_continues_where_it_was(
    settings: Collect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = demo_of(settings, 120)
    collect(settings, 7, tmp_path / "whole", tmp_path / "crawl")

    def killed(self: PhotoFetcher, listing_id: str, result: object) -> None:
        if self.store.photo_counts().get("stored", 0) == 20:
            raise KeyboardInterrupt
        store_result(self, listing_id, result)  # type: ignore[arg-type]

    store_result = PhotoFetcher._store_result
    monkeypatch.setattr(PhotoFetcher, "_store_result", killed)
    with pytest.raises(KeyboardInterrupt):
        collect(settings, 7, tmp_path / "half", tmp_path / "crawl")
    assert not list((tmp_path / "half").rglob("*.jpg"))
    monkeypatch.setattr(PhotoFetcher, "_store_result", store_result)
    kept = len(list((tmp_path / "crawl").rglob("*.jpg")))
    assert kept >= 20
    collect(settings, 7, tmp_path / "half", tmp_path / "crawl")
    whole, half = (
        {str(p.relative_to(tmp_path / n)): p.read_bytes() for p in (tmp_path / n).rglob("*.*")
         if p.suffix in (".jpg", ".parquet")}
        for n in ("whole", "half")
    )  # fmt: skip
    assert whole == half


def test_options_override_params_for_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    params = parse_params(YAML(typ="safe").load(Path(__file__).parents[2] / "params.yaml"))
    real = params.collect.model_copy(update={"source": "avito"})
    params = params.model_copy(update={"collect": real})
    given: list[Collect] = []
    monkeypatch.setattr(stage, "stage_params", lambda _: params)
    monkeypatch.setattr(stage, "collect", lambda settings, *_: given.append(settings))
    for options in ([], ["--limit", "5", "--since", "2026-01-31", "--no-fetch"]):
        monkeypatch.setattr("sys.argv", ["collect", *options])
        stage.main()
    expected = {"limit": 5, "since": "2026-01-31", "fetch": False}
    avito = real.avito.model_copy(update=expected)
    assert given == [real, real.model_copy(update={"avito": avito})] and given[0] != given[1]
    monkeypatch.setattr("sys.argv", ["collect", "--since", "yesterday"])
    with pytest.raises(UserError, match=r"^collect\.avito: since is 'yesterday'; expected a date"):
        stage.main()
