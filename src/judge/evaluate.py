"""Every row's scores, pictures' data and the table, from what the rows said of the listings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from src.files import read_json, replacing, write_json
from src.fusion.predictions import Predictions
from src.judge.ceilings import ceilings
from src.judge.scores import fill_in, per_class, score, score_less, score_seen
from src.judge.table import results_table, to_markdown
from src.models.features import Features

LEAKY = "logreg_leaky"


def evaluate(
    table: pd.DataFrame, data: Path, params: dict[str, Any], truth: pd.DataFrame | None, out: Path
) -> pd.DataFrame:
    """Judge every row on the test part and write `out`, the folder of metrics.

    Args:
        table: the prepared listings.
        data: the folder with weights, checkpoints, embeddings and predictions.
        params: rows, model and text_model of params.yaml.
        truth: what the demo planted; None for real listings.

    Returns:
        The results table, one line per row.

    Raises:
        LeakError: a row's encoder was fitted on a listing of the test part.
    """
    test = (table["part"] == "test").to_numpy()
    groups = table.set_index("id")["group"]
    labels = pd.Series(table["category"].to_numpy(dtype=str), index=table["id"].to_numpy(str))
    photo = pd.Series(table["photo_row"].to_numpy() >= 0, index=labels.index)
    ids = table["id"].to_numpy(dtype=str)[test]
    lines, classes_csv = [], []
    for name in ("image", "text", "fused", "leaky", "curves", "confusion"):
        shutil.rmtree(out / name, ignore_errors=True)
        # DVC expects each of them, also where there is nothing to put in it.
        (out / name).mkdir(parents=True)

    def judge(row: str, kind: str, predicted: Any, weights: str, **more: float) -> None:
        actual = labels.reindex(ids).to_numpy(dtype=str)
        scores = score(actual, predicted, photo.reindex(ids).to_numpy()) | more
        write_json(out / kind / f"{row}.json", scores)
        lines.append({"row": row, "kind": kind, "weights": weights, **scores})
        classes_csv.append(per_class(actual, predicted).assign(row=row))
        pairs = pd.DataFrame({"actual": actual, "predicted": predicted})
        _write_csv(pairs, out / "confusion" / f"{row}.csv")

    weights = {}
    for kind in ("image", "text"):
        for row in params["rows"][kind]:
            features = Features.load(data / "embeddings" / row / "features.npz")
            tested = features.rows(np.isin(features.ids, ids))
            tested.require_unseen(groups, f"judging {row} on the test part")
            predicted = features.classes[fill_in(table, features, test).argmax(1)]
            weights[row] = read_json(data / "weights" / row / "source.json")["weights"]
            judge(row, kind, predicted, weights[row])
            curves = data / "checkpoints" / row / "curves.csv"
            if curves.exists():
                _write_csv(pd.read_csv(curves), out / "curves" / f"{row}.csv")

    inputs = " + ".join(f"{row}: {weights[row]}" for row in (params["model"], params["text_model"]))
    for row in params["rows"]["fused"]:
        said = Predictions.load(data / "predictions" / f"{row}.npz")
        predicted = said.classes[_in_order(said, ids).argmax(1)]
        judge(
            row,
            "fused",
            predicted,
            inputs,
            **score_less(said, labels.reindex(said.ids).to_numpy(str)),
        )

    said = Predictions.load(data / "predictions" / "leaky.npz")
    actual, predicted = (
        labels.reindex(said.ids).to_numpy(dtype=str),
        said.classes[said.probs.argmax(1)],
    )
    leaky = score(actual, predicted, photo.reindex(said.ids).to_numpy())
    leaky |= score_seen(actual, predicted, said.seen)
    write_json(out / "leaky" / f"{LEAKY}.json", leaky)
    lines.append({"row": LEAKY, "kind": "leaky", "weights": inputs, **leaky})

    results = results_table(lines)
    best = ceilings(table, truth) if truth is not None else {}
    _write_csv(results, out / "table.csv")
    _write_csv(pd.concat(classes_csv), out / "per_class.csv")
    write_json(out / "ceilings.json", best)
    with replacing(out / "table.md") as beside:
        beside.write_text(to_markdown(results, best), encoding="utf-8")
    return results


def _in_order(said: Predictions, ids: Any) -> Any:
    place = pd.Index(said.ids).get_indexer(pd.Index(ids))
    if (place < 0).any():
        raise ValueError(f"predictions lack {int((place < 0).sum())} listings of the test part")
    return said.probs[place]


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    with replacing(path) as beside:
        table.to_csv(beside, index=False, float_format="%.6f")
