"""The listings as datasets of the runs, and the answers of the judged models on them."""

from __future__ import annotations

from pathlib import Path

import mlflow.data
import numpy as np
import pandas as pd
import pytest

from src.core.errors import UserError
from src.core.files import write_json
from src.tracking.answers import read_tracked_bundle
from src.tracking.datasets import dataset_inputs, read_tracked_listings
from src.tracking.rows import read_tracked_rows
from src.tracking.tracking import track
from tests.tracking.conftest import mlflow_runs

N = 10


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What `pack`, `prepare`, `evaluate` and `bundle` leave, as far as it is read here."""
    ids = [f"r{n}" for n in range(N)]
    listings = pd.DataFrame(
        {
            "id": ids, "title": "стол", "text": "дубовый", "price": [np.nan, *range(1, N)],
            "category": ["a", "b"] * 5, "group": ids, "fold": -1,
            "split": ["train"] * 6 + ["val"] * 2 + ["test"] * 2,
        }
    )  # fmt: skip
    answers = pd.DataFrame({"id": ids[8:], "actual": ["a", "b"], "predicted": ["a", "a"]})
    rows = [answers.assign(row=row) for row in ("stack", "cnn")]
    for name in ("prepared", "packed", "evaluation", "bundle"):
        (tmp_path / "data" / name).mkdir(parents=True)
    listings.to_parquet(tmp_path / "data/prepared/listings.parquet")
    photos = pd.DataFrame({"id": ids, "sha256": [None, *"123456789"]})
    photos.to_parquet(tmp_path / "data/packed/index.parquet")
    pd.concat(rows).to_parquet(tmp_path / "data/evaluation/predictions.parquet")
    write_json(tmp_path / "data/bundle/bundle.json", {"rows": {"image": "cnn", "fused": "stack"}})
    return tmp_path


def change(file: Path, column: str, value: object, row: int = 9) -> None:
    table = pd.read_parquet(file)
    table.loc[row, column] = value
    table.to_parquet(file)


def digests(root: Path) -> dict[str, str]:
    table = read_tracked_listings(root)
    assert table is not None
    inputs = dataset_inputs(table)
    assert all(len(one.dataset.digest) == 36 for one in inputs)
    assert [one.tags[0].value for one in inputs] == [one.dataset.name[9:] for one in inputs]
    return {one.dataset.name: one.dataset.digest for one in inputs}


@pytest.mark.parametrize(
    ("file", "column", "value", "content"),
    [
        ("prepared/listings", "title", "стул", True),
        ("prepared/listings", "price", 77.0, True),
        ("packed/index", "sha256", "other", True),
        ("prepared/listings", "category", "a", False),
    ],
)
def test_a_change_of_an_ad_changes_the_hash_of_its_part_alone(
    file: str, column: str, value: object, content: bool, root: Path
) -> None:
    before, listings = digests(root), read_tracked_listings(root)
    assert listings is not None and listings["content"].nunique() == N
    assert set(before) == {"listings train", "listings val", "listings test"}
    assert digests(root) == before
    change(root / "data" / f"{file}.parquet", column, value)
    after, changed = digests(root), read_tracked_listings(root)
    assert changed is not None
    assert {name for name in before if before[name] != after[name]} == {"listings test"}
    # A corrected label leaves the ad as it is.
    assert (changed["content"] != listings["content"]).tolist() == [False] * 9 + [content]


def test_listings_in_folds_are_one_dataset(root: Path) -> None:
    file = root / "data/prepared/listings.parquet"
    pd.read_parquet(file).assign(fold=[n % 5 for n in range(N)]).to_parquet(file)
    assert set(digests(root)) == {"listings folds"}


def test_the_answers_are_those_of_the_predicting_row(root: Path) -> None:
    listings = read_tracked_listings(root)
    assert listings is not None
    bundle = read_tracked_bundle(root, "listings", listings)
    assert bundle is not None and bundle.row == ("fused", "stack")
    assert bundle.answers["id"].tolist() == ["r8", "r9"]
    content = listings["content"].tolist()
    assert bundle.answers_csv() == (
        f"id,content,actual,predicted\nr8,{content[8]},a,a\nr9,{content[9]},b,a\n"
    )


@pytest.mark.parametrize(
    ("column", "value"), [("row", "other"), ("id", "r99")], ids=["row", "listing"]
)
def test_answers_of_another_state_are_refused(column: str, value: str, root: Path) -> None:
    file, listings = root / "data/evaluation/predictions.parquet", read_tracked_listings(root)
    assert listings is not None
    pd.read_parquet(file).assign(**{column: value}).to_parquet(file)
    with pytest.raises(UserError, match="no answers of stack on the listings of data/prepared"):
        read_tracked_bundle(root, "listings", listings)


def test_new_runs_get_the_datasets(repo: Path, root: Path) -> None:
    assert repo == root
    rows = read_tracked_rows(repo)[:2]
    for _ in range(2):
        track(rows, "listings", repo, listings=read_tracked_listings(root))
    for run in mlflow_runs(repo):
        logged = {one.dataset.name: one.dataset for one in run.inputs.dataset_inputs}
        assert {name: one.digest for name, one in logged.items()} == digests(root)
        source = mlflow.data.get_source(logged["listings test"])
        assert source.uri == "data/prepared/listings.parquet"
