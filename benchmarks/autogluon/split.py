"""One split of a finished run as tables for AutoGluon, with the run's own scores on it.

    python -m benchmarks.autogluon.split FOLDER OUT

`benchmarks/autogluon/README.md` says what comes next.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pandas as pd

from src.core.files import read_json, write_json
from src.core.rounds import cv_rounds
from src.evaluation.scores import score
from src.fusion.predictions import Predictions

COLUMNS = ["title", "text", "price", "image", "category"]
# What comes after the judged table.
LATER = ("bundle", "report", "track")


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path, help="a clone in which dvc repro has finished")
    arguments.add_argument("out", type=Path)
    given = arguments.parse_args()
    write_split(given.folder.resolve() / "data", given.out)


def write_split(data: Path, out: Path) -> None:
    """Write train.csv, test.csv and ours.json.

    Args:
        data: the folder `data` of the run.
    """
    table = pd.read_parquet(data / "prepared" / "listings.parquet")
    names = pd.read_parquet(data / "raw" / "listings.parquet").set_index("id")["photo"]
    photos = data / "raw" / "photos"
    # Those that could not be read are no photos for either side.
    pictured = table["photo_row"] >= 0
    table["image"] = [
        str(photos / names[row]) if there else ""
        for row, there in zip(table["id"], pictured, strict=True)
    ]
    rounds = cv_rounds(table)
    test = rounds[0] == "test"
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in (("train", ~test), ("test", test)):
        table.loc[rows, COLUMNS].to_csv(out / f"{name}.csv", index=False)
    times = sorted((data / "times").glob("*.json"))
    seconds = [read_json(file)["seconds"] for file in times if file.stem.split("@")[0] not in LATER]
    rows = sorted(
        (_row(file, table, test) for file in (data / "predictions").glob("*.npz")
         if file.stem != "leaky"),
        key=lambda row: -row["val_f1_macro"],
    )  # fmt: skip
    write_json(out / "ours.json", {"rows": rows, "seconds": sum(seconds), "rounds": len(rounds)})


def _row(file: Path, table: pd.DataFrame, test: pd.Series) -> dict[str, Any]:
    """Return the scores of a fused row on the test listings, and its F1 on all that are val."""
    found = Predictions.load(file)
    by_id = table.set_index("id")
    scores = {}
    for name, ids, probs in (
        ("test", found.ids, found.probs), ("val", found.val_ids, found.val_probs)
    ):  # fmt: skip
        guessed = pd.Series(found.classes[probs.argmax(1)], ids)
        if name == "test":
            guessed = guessed[table.loc[test, "id"]]
        actual = by_id.loc[guessed.index]
        scores[name] = score(
            actual["category"].to_numpy(str),
            guessed.to_numpy(str),
            (actual["image"] != "").to_numpy(),
        )
    return {
        "row": file.stem,
        "f1_macro": scores["test"]["f1_macro"],
        "accuracy": scores["test"]["accuracy"],
        "val_f1_macro": scores["val"]["f1_macro"],
    }


if __name__ == "__main__":
    main()
