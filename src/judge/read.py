"""From what the stages before left to what each row says of the listings it is judged on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.files import read_json
from src.fusion.predictions import Predictions
from src.judge.judged import Judged
from src.judge.scores import fill_in, score_less, score_seen
from src.listings import splits
from src.models.features import Features
from src.models.train import scores_folder

LEAKY = "logreg_leaky"


def read_rows(table: pd.DataFrame, data: Path, params: dict[str, Any]) -> list[Judged]:
    """Read every row of the table; all but the last, the leaky one, over the test part.

    With cross-validation that is every listing, each by the models of the split that tests it.

    Args:
        table: the prepared listings.
        data: the folder with weights, embeddings and predictions.
        params: rows, model and text_model of params.yaml.

    Raises:
        LeakError: a row's encoder was fitted on a listing of the test part.
    """
    parts = splits(table)
    every_id = table["id"].to_numpy(dtype=str)
    ids = np.concatenate([every_id[part == "test"] for part in parts])
    rows, weights = [], {}
    for kind in ("image", "text"):
        for row in params["rows"][kind]:
            weights[row] = read_json(data / "weights" / row / "source.json")["weights"]
            tested = [
                _tested(table.assign(part=part), scores_folder(data / "embeddings" / row, n), row)
                for n, part in enumerate(parts)
            ]
            probs = np.concatenate([said for _, said in tested])
            rows.append(_judged(table, row, kind, weights[row], ids, tested[0][0], probs))

    inputs = " + ".join(f"{row}: {weights[row]}" for row in (params["model"], params["text_model"]))
    for row in params["rows"]["fused"]:
        fused = Predictions.load(data / "predictions" / f"{row}.npz")
        found = _judged(
            table, row, "fused", inputs, ids, fused.classes, fused.probs[_places(fused, ids)]
        )
        actual = _of(table, "category", fused.ids)
        found.more.update(score_less(fused, actual))
        rows.append(found)

    leaky = Predictions.load(data / "predictions" / "leaky.npz")
    found = _judged(table, LEAKY, "leaky", inputs, leaky.ids, leaky.classes, leaky.probs)
    found.more.update(score_seen(found.actual, found.predicted, leaky.seen))
    return [*rows, found]


def _tested(
    table: pd.DataFrame, folder: Path, row: str
) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """The classes, and what a row says of the test part of one split."""
    test = (table["part"] == "test").to_numpy()
    features = Features.load(folder / "features.npz")
    tested = features.rows(np.isin(features.ids, table["id"].to_numpy(dtype=str)[test]))
    tested.require_unseen(table.set_index("id")["group"], f"judging {row} on the test part")
    return features.classes, fill_in(table, features, test)


def _judged(
    table: pd.DataFrame,
    row: str,
    kind: str,
    weights: str,
    ids: NDArray[np.str_],
    classes: NDArray[np.str_],
    probs: NDArray[np.float32],
) -> Judged:
    return Judged(
        row=row,
        kind=kind,
        weights=weights,
        ids=ids,
        actual=_of(table, "category", ids),
        groups=_of(table, "group", ids),
        photo=table.set_index("id")["photo_row"].reindex(ids).to_numpy() >= 0,
        classes=classes,
        probs=probs,
    )


def _of(table: pd.DataFrame, column: str, ids: NDArray[np.str_]) -> NDArray[np.str_]:
    return table.set_index("id")[column].reindex(ids).to_numpy(dtype=str)


def _places(said: Predictions, ids: NDArray[np.str_]) -> NDArray[np.intp]:
    place = pd.Index(said.ids).get_indexer(pd.Index(ids))
    if (place < 0).any():
        raise ValueError(f"predictions lack {int((place < 0).sum())} listings of the test part")
    return place
