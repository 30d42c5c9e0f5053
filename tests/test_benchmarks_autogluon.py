"""What of the comparison with AutoGluon needs no AutoGluon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.autogluon.run import judged, shown
from benchmarks.autogluon.split import write_split
from src.fusion.predictions import Predictions
from tests.made import CLASSES, made_table, one_hot

LACKS_PHOTO = 3


class Memory:
    """Takes what AutoGluon's predictor takes; answers with the category of the same title."""

    def __init__(self, label: str, path: str) -> None:
        self.label = label

    def fit(self, train_data: pd.DataFrame) -> None:
        assert set(train_data["title"]) == {f"ad {n}" for n in range(48)}
        self.usual = train_data[self.label].mode()[0]

    def predict(self, data: pd.DataFrame) -> pd.Series:
        assert self.label not in data
        return pd.Series([self.usual] * len(data), data.index)


@pytest.fixture(params=["split", "folds"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What a run leaves: with folds, a fifth of the listings is tested in each round."""
    table = made_table().assign(title=[f"ad {n}" for n in range(60)])
    table["photo_row"] = np.where(np.arange(60) == LACKS_PHOTO, -1, np.arange(60))
    if request.param == "folds":
        table["fold"] = np.where(table["split"] == "test", 0, 1 + np.arange(60) % 4)
    data = tmp_path / "data"
    for folder in ("prepared", "raw", "predictions", "times"):
        (data / folder).mkdir(parents=True)
    table.to_parquet(data / "prepared/listings.parquet")
    raw = pd.DataFrame({"id": table["id"], "photo": "ab/" + table["id"] + ".jpg"})
    raw[::-1].to_parquet(data / "raw/listings.parquet")
    ids, probs = table["id"].to_numpy(str), one_hot(table)
    wrong = np.roll(probs, 1, axis=1)
    for name, test, val in (
        ("leaky", probs, probs),
        ("knn", wrong, wrong),
        ("stack", probs, probs),
    ):
        Predictions(
            ids, np.array(CLASSES), test, {}, np.zeros(60, bool), ids[:20], val[:20], 48,
            np.empty((0, 60, 3), np.float32), np.zeros((60, 3), np.float32),
        ).save(data / f"predictions/{name}.npz")  # fmt: skip
    for stage, seconds in {"collect": 1.5, "fuse@knn": 2, "bundle": 90, "track": 90}.items():
        (data / f"times/{stage}.json").write_text(json.dumps({"seconds": seconds}))
    return data


def test_the_split_of_a_run_is_written_with_the_scores_of_its_rows(
    run: Path, tmp_path: Path
) -> None:
    write_split(run, tmp_path / "out")
    train, test = (
        pd.read_csv(tmp_path / f"out/{name}.csv", keep_default_na=False)
        for name in ("train", "test")
    )
    assert test["title"].tolist() == [f"ad {n}" for n in range(48, 60)]
    assert train["title"].tolist() == [f"ad {n}" for n in range(48)]
    assert train["image"][LACKS_PHOTO] == "" and (train["image"] == "").sum() == 1
    names = pd.read_parquet(run / "prepared/listings.parquet")["id"]
    assert test["image"][0] == f"{run}/raw/photos/ab/{names[48]}.jpg"
    ours = json.loads((tmp_path / "out/ours.json").read_text())
    assert ours["seconds"] == 3.5
    assert ours["rounds"] == (
        1 if (pd.read_parquet(run / "prepared/listings.parquet")["fold"] < 0).all() else 5
    )
    assert [(row["row"], row["f1_macro"], row["val_f1_macro"]) for row in ours["rows"]] == [
        ("stack", 1.0, 1.0), ("knn", 0.0, 0.0),
    ]  # fmt: skip


def test_both_sides_are_shown_in_one_table(run: Path, tmp_path: Path) -> None:
    write_split(run, tmp_path / "out")
    theirs: dict[str, Any] = {"row": "AutoGluon"} | judged(Memory, tmp_path / "out")
    # It says one of three equal classes.
    assert theirs["accuracy"] == pytest.approx(1 / 3, abs=1e-6)
    assert theirs["f1_macro"] == pytest.approx(0.5 / 3, abs=1e-6)
    theirs["seconds"] = 35.0
    page = shown(theirs, json.loads((tmp_path / "out/ours.json").read_text()))
    assert "| AutoGluon | 0.167 | 0.333 |  | 35 |" in page
    assert "| stack | 1.000 | 1.000 | 1.000 | 4 |" in page
    assert "took 0.10 of AutoGluon's time" in page
