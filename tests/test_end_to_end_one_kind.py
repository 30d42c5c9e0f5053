"""The real pipeline on listings that have photos alone, or texts alone: no fused row."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from src.core.files import read_json
from tests.repo import Repo, copy_repository

pytestmark = pytest.mark.slow

CATEGORIES = {"Книги": (200, 40, 40), "Мебель": (40, 200, 40), "Обувь": (40, 40, 200)}
WORDS = {"Книги": "роман том", "Мебель": "стол шкаф", "Обувь": "сапоги кеды"}
LEAKY = {"logreg_leaky": "leaky"}
NO_FUSED: dict[str, Any] = {"rows__fused": [], "fused_model": ""}
PHOTOS_ALONE = NO_FUSED | {
    "rows__text": [],
    "text_model": "",
    "rows__image": ["efficientnet"],
    "collect__table__columns__title": "",
    "collect__table__columns__text": "",
}
TEXTS_ALONE = NO_FUSED | {
    "rows__image": [],
    "model": "",
    "rows__text": ["tfidf", "use"],
    "joined__text": {"both": {"first": "use", "second": "tfidf"}},
    "text_model": "both",
    "collect__table__columns__photo": "",
}


def made_listings(folder: Path, n: int = 120) -> None:
    """Write listings.csv and images/ with N photos, no two of them alike."""
    (folder / "images").mkdir(parents=True)
    random, noise = Random(0), np.random.default_rng(0)
    rows = []
    for number in range(n):
        name = list(CATEGORIES)[number % len(CATEGORIES)]
        spots = noise.normal(CATEGORIES[name], 40, (8, 8, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(spots).resize((64, 64)).save(folder / f"images/{number}.jpg")
        others = " ".join(f"{random.randrange(10**6):06x}" for _ in range(8))
        title = f"{random.choice(WORDS[name].split())} {others}"
        rows.append((number, title, "продаю", 100 + number, name, f"{number}.jpg"))
    names = ["id", "title", "description", "price", "category", "image"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "listings.csv", index=False)


@pytest.mark.parametrize(
    ("changes", "kind", "rows", "given"),
    [
        (PHOTOS_ALONE, "image", ["efficientnet"], ("--photo", "data/own/images/0.jpg")),
        # The last one joins the others, and answers.
        (TEXTS_ALONE, "text", ["tfidf", "use", "both"], ("--title", "роман в двух томах")),
    ],
)
def test_listings_of_one_kind_go_the_whole_way(
    tmp_path: Path, changes: dict[str, Any], kind: str, rows: list[str], given: tuple[str, str]
) -> None:
    repo = copy_repository(
        tmp_path,
        collect__source="table",
        pack__pixels=64,
        image_models__efficientnet__pixels=64,
        text_models__tfidf__folds=2,
        **changes,
    )
    made_listings(tmp_path / "data/own")
    repo.run("dvc", "repro")
    table = repo.table()
    kinds = dict.fromkeys(rows, kind) | LEAKY
    assert {name: line["kind"] for name, line in table.items()} == kinds
    assert all(float(table[row]["f1_macro"]) > 0.6 for row in rows)
    page = (tmp_path / "data/report/report.html").read_text(encoding="utf-8")
    assert all(row in page for row in rows) and "Книги" in page
    assert read_json(tmp_path / "data/bundle/bundle.json")["rows"] == {kind: rows[-1]}
    answer = json.loads(_without_warnings(repo, *given, "--json"))
    assert (answer["category"], answer["used"]) == ("Книги", "photo" if kind == "image" else "text")
    options = ("data/own/listings.csv", "--photos", "data/own/images", "--out", "out.csv")
    repo.run("python", "-m", "src.predict", *options)
    found = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert len(found) == 120 and not found["error"].any()
    assert repo.stages_run("dvc", "repro") == set()
    assert sorted(repo.runs()) == sorted([*rows, *LEAKY, "report"])


def _without_warnings(repo: Repo, *options: str) -> str:
    printed = repo.run("python", "-m", "src.predict", *options)
    return printed[: printed.rindex("}") + 1]
