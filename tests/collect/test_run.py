"""The stage as a whole: its files, and what ends it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from src.collect.demo.catalog import CATEGORIES
from src.collect.photos import Photos
from src.collect.run import collect
from src.core.errors import UserError
from src.core.listings import RAW, read_listings


def test_the_demo_writes_everything_and_twice_the_same(
    section: dict[str, Any], tmp_path: Path
) -> None:
    section = copy.deepcopy(section)
    section["demo"] |= {"listings": 60}
    for name in ("a", "b"):
        collect({"seed": 7, "collect": section}, tmp_path / name, tmp_path / "crawl")
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


def test_a_table_writes_no_truth_but_its_folders(section: dict[str, Any], tmp_path: Path) -> None:
    out = _table_run(section, tmp_path, "id,title,category\n1,Стул,Мебель\n2,,Мебель\n")
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
    rejected = pd.read_csv(out / "notes" / "rejected.csv", dtype=str, keep_default_na=False)
    assert rejected.to_dict("records") == [
        {"id": "2", "reason": "neither text nor photo", "detail": ""}
    ]


def test_nothing_collected_is_an_error_and_keeps_what_was(
    section: dict[str, Any], tmp_path: Path
) -> None:
    out = _table_run(section, tmp_path, "id,title,category\n1,Стул,Мебель\n")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with pytest.raises(UserError, match=r"nothing was collected from table \(no category: 1\)"):
        _table_run(section, tmp_path, "id,title,category\n1,Стул,\n")
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert not list(out.glob(".*"))


def test_an_unknown_source_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'ebay'; it can be demo, table, avito"):
        collect({"seed": 7, "collect": {"source": "ebay"}}, tmp_path, tmp_path)


def _table_run(section: dict[str, Any], folder: Path, csv: str) -> Path:
    (folder / "t.csv").write_text(csv, encoding="utf-8")
    section = copy.deepcopy(section) | {"source": "table"}
    section["table"] = {
        "folder": str(folder),
        "path": "t.csv",
        "photos": "",
        "columns": {"id": "id", "title": "title", "category": "category", "split": "split"},
    }
    collect({"seed": 7, "collect": section}, folder / "out", folder / "crawl")
    return folder / "out"


def test_a_demo_that_was_killed_goes_on_where_it_was(
    section: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = copy.deepcopy(section)
    section["demo"] |= {"listings": 120}
    params = {"seed": 7, "collect": section}
    collect(params, tmp_path / "whole", tmp_path / "crawl")

    def killed(self: Photos, number: str, result: object) -> None:
        if self.store.photo_counts().get("stored", 0) == 20:
            raise KeyboardInterrupt
        taken_over(self, number, result)  # type: ignore[arg-type]

    taken_over = Photos._take_over
    monkeypatch.setattr(Photos, "_take_over", killed)
    with pytest.raises(KeyboardInterrupt):
        collect(params, tmp_path / "half", tmp_path / "crawl")
    assert not list((tmp_path / "half").rglob("*.jpg"))
    monkeypatch.setattr(Photos, "_take_over", taken_over)
    kept = len(list((tmp_path / "crawl").rglob("*.jpg")))
    assert kept >= 20
    collect(params, tmp_path / "half", tmp_path / "crawl")
    whole, half = (
        {str(p.relative_to(tmp_path / n)): p.read_bytes() for p in (tmp_path / n).rglob("*.*")
         if p.suffix in (".jpg", ".parquet")}
        for n in ("whole", "half")
    )  # fmt: skip
    assert whole == half
