"""From what the stages before left to what each row says of the listings it is judged on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import ModelOutput, RowOutput
from src.core.files import read_json
from src.core.listings import cv_rounds
from src.evaluation.judged import Judged
from src.evaluation.scores import macro_f1, score_seen
from src.fusion.predictions import Predictions

LEAKY = "logreg_leaky"


def read_judged(table: pd.DataFrame, data: Path, params: dict[str, Any]) -> list[Judged]:
    """Read every row of the table; all but the last, the leaky one, over the test part.

    With cross-validation that is every listing, each by the models of the split that tests it.

    Args:
        table: the prepared listings.
        data: the folder with weights, embeddings and predictions.
        params: rows, model and text_model of params.yaml.

    Raises:
        LeakError: a row's encoder was fitted on a listing of the test part.
    """
    parts = cv_rounds(table)
    every_id = table["id"].to_numpy(dtype=str)
    ids = np.concatenate([every_id[split == "test"] for split in parts])
    rows, weights = [], {}
    for kind in ("image", "text"):
        for row in params["rows"][kind]:
            weights[row] = read_json(data / "weights" / row / "source.json")["weights"]
            tested = [
                _tested(
                    table.assign(split=split),
                    RowOutput.load(data / "embeddings" / row, n).full,
                    row,
                )
                for n, split in enumerate(parts)
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
    table: pd.DataFrame, output: ModelOutput, row: str
) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """The classes, and what a row says of the test part of one split."""
    test = (table["split"] == "test").to_numpy()
    tested = output.rows(np.isin(output.ids, table["id"].to_numpy(dtype=str)[test]))
    tested.require_unseen(table.set_index("id")["group"], f"judging {row} on the test part")
    return output.classes, fill_in(table, output, test)


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


def fill_in(
    table: pd.DataFrame, features: ModelOutput, rows: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return one model's probabilities of the marked listings, [N, C].

    A listing without the modality gets the shares of the classes in the train part: all that
    such a model can say of it.
    """
    train = table.loc[table["split"] == "train", "category"]
    prior = np.array([(train == name).mean() for name in features.classes], dtype=np.float32)
    ids = table["id"].to_numpy(dtype=str)[rows]
    probs = np.tile(prior, (len(ids), 1))
    place = pd.Index(features.ids).get_indexer(pd.Index(ids))
    probs[place >= 0] = features.probs[place[place >= 0]]
    return probs


def score_less(predictions: Predictions, actual: NDArray[np.str_]) -> dict[str, float]:
    """Macro F1 of a fused row with inputs hidden, as f1_macro_<what stays>."""
    return {
        f"f1_macro_{name}": macro_f1(actual, predictions.classes[probs.argmax(1)])
        for name, probs in predictions.without.items()
    }
