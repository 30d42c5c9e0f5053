"""AutoGluon MultiModal with its defaults on a split that `benchmarks.autogluon.split` wrote.

    .work/autogluon-env/bin/python benchmarks/autogluon/run.py OUT

In an environment of its own, so it imports nothing of this repository.
"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.metrics import accuracy_score, f1_score


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path, help="with train.csv, test.csv and ours.json")
    folder: Path = arguments.parse_args().folder
    from autogluon.multimodal import MultiModalPredictor

    row = {"row": f"AutoGluon {version('autogluon.multimodal')}"} | judged(
        MultiModalPredictor, folder
    )
    (folder / "results.json").write_text(json.dumps(row, indent=2) + "\n")
    print(shown(row, json.loads((folder / "ours.json").read_text())))


def judged(predictor: Any, folder: Path) -> dict[str, float]:
    """Fit to train.csv; return macro F1 and accuracy on test.csv, and all seconds of both.

    Args:
        predictor: `autogluon.multimodal.MultiModalPredictor`, or a class that takes the same.
    """
    began = time.perf_counter()
    train, test = (
        pd.read_csv(folder / f"{name}.csv", keep_default_na=False, na_values={"price": ""})
        for name in ("train", "test")
    )
    model = predictor(label="category", path=str(folder / "model"))
    # Nothing else is said: its defaults tell the columns' kinds, the networks and when to stop.
    model.fit(train_data=train)
    found = model.predict(test.drop(columns="category"))
    seconds = time.perf_counter() - began
    return {
        "f1_macro": round(float(f1_score(test["category"], found, average="macro")), 6),
        "accuracy": round(float(accuracy_score(test["category"], found)), 6),
        "seconds": round(seconds, 1),
    }


def shown(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    """Return the table of both sides; our seconds are those of the run, of all its rows."""
    lines = ["| row | macro F1 | accuracy | val macro F1 | seconds |", "| --- " * 5 + "|"]
    for row in (theirs, *ours["rows"]):
        val = f"{row['val_f1_macro']:.3f}" if "val_f1_macro" in row else ""
        seconds = row.get("seconds", ours["seconds"])
        lines.append(
            f"| {row['row']} | {row['f1_macro']:.3f} | {row['accuracy']:.3f} | {val} "
            f"| {seconds:,.0f} |"
        )
    share = ours["seconds"] / theirs["seconds"]
    rounds = f", all {ours['rounds']} rounds" if ours["rounds"] > 1 else ""
    return "\n".join([*lines, "", f"The run{rounds}, took {share:.2f} of AutoGluon's time."])


if __name__ == "__main__":
    main()
