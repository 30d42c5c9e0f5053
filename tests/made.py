"""Small made-up listings, outputs and settings for the tests."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from ruamel.yaml import YAML

from src.artifacts.outputs import ModelOutput, RowOutput
from src.fusion.predictions import Predictions

CLASSES = ("Книги", "Мебель", "Обувь")


def made_photo(name: str = "", kind: str = "JPEG") -> bytes:
    """Return a small photo, another one for each name."""
    content = BytesIO()
    Image.new("RGB", (8, 8), tuple(sha256(name.encode()).digest()[:3])).save(content, kind)
    return content.getvalue()


def made_table(train: int = 36, val: int = 12, test: int = 12) -> pd.DataFrame:
    """Return prepared listings r00, r01, … of three categories in turn, one in each group."""
    n = train + val + test
    category = [CLASSES[i % len(CLASSES)] for i in range(n)]
    return pd.DataFrame(
        {
            "id": [f"r{i:02d}" for i in range(n)],
            "title": category,
            "text": [f"продаю {name.lower()} номер {i % 5}" for i, name in enumerate(category)],
            "title_words": [name.lower() for name in category],
            "text_words": [
                f"продаю {name.lower()} номер {i % 5}" for i, name in enumerate(category)
            ],
            "price": [float(100 + i) for i in range(n)],
            "category": category,
            "photo_row": np.arange(n),
            "group": [f"g{i:02d}" for i in range(n)],
            "split": ["train"] * train + ["val"] * val + ["test"] * test,
            "fold": -1,
            "listed": pd.array([None] * n, dtype="str"),
        }
    )


def made_notes() -> dict[str, Any]:
    """Return what the stage prepare would have written of near-duplicates and the split."""
    shared = {
        "photos": 10,
        "same_file": 2,
        "similar_photo": 3,
        "sellers": 0,
        "same_seller": 0,
        "texts": 12,
        "similar_text": 6,
        "nearest_text": {"median": 0.25, "p90": 0.8, "p99": 1.0},
    }
    return {
        "split": "random",
        "group_by": "near_duplicates",
        "overlap": {
            "random_split": shared,
            "split": shared | {"same_file": 0, "similar_text": 0},
        },
        "corrections": {"changed": {}, "said": []},
        "duplicates": {"groups": 3, "listings": 7, "largest": 3, "links": {"photo": 2, "text": 4}},
        "random_split": {
            "pairs": 5,
            "pairs_crossing": 4,
            "groups_crossing": 3,
            "test_listings": 12,
            "test_listings_with_twin_in_train_or_val": 2,
        },
    }


def labels(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return the index of each listing's category in CLASSES, [N]."""
    return np.array([CLASSES.index(name) for name in table["category"]])


def one_hot(table: pd.DataFrame, sure: float = 0.8) -> NDArray[np.float32]:
    """Return probabilities with `sure` for the true class and the rest shared, [N, 3]."""
    rest = (1 - sure) / (len(CLASSES) - 1)
    return np.where(np.eye(len(CLASSES))[labels(table)] > 0, sure, rest).astype(np.float32)


def made_features(table: pd.DataFrame, **changes: Any) -> ModelOutput:
    """Return the output for every listing of one encoder that was fitted on the train split."""
    n = len(table)
    ids = table["id"].to_numpy(dtype=str)
    fitted = ids[(table["split"] == "train").to_numpy()]
    content: dict[str, Any] = {
        "ids": ids,
        "features": np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32),
        "probs": one_hot(table),
        "classes": np.array(CLASSES),
        "scored_by": np.zeros(n, np.int32),
        "left_out": np.full(n, ""),
        "fitted_ids": fitted,
        "fitted_by": np.zeros(len(fitted), np.int32),
        "frozen": False,
    }
    return ModelOutput(**content | changes)


def made_output(table: pd.DataFrame, **changes: Any) -> RowOutput:
    """Return outputs without folds: by an encoder of train and val, and for val by one of train."""
    learned = table.assign(split=table["split"].replace("val", "train"))
    val = (table["split"] == "val").to_numpy()
    by_train = made_features(table, **changes)
    out_of_fold = replace(
        by_train.subset(val),
        scored_by=np.ones(int(val.sum()), np.int32),
        fitted_by=np.ones_like(by_train.fitted_by),
    )
    return RowOutput(made_features(learned, **changes), out_of_fold)


def made_predictions(
    table: pd.DataFrame, chosen: NDArray[np.bool_] | None = None, **changes: Any
) -> Predictions:
    """Return what a fused row leaves, always right; of the chosen listings or else of test."""
    chosen = (table["split"] == "test").to_numpy() if chosen is None else chosen
    val = (table["split"] == "val").to_numpy()
    ids, probs = table["id"].to_numpy(dtype=str), one_hot(table)
    names = ("photo_only", "text_only", "no_price")
    content: dict[str, Any] = {
        "ids": ids[chosen],
        "classes": np.array(CLASSES),
        "probs": probs[chosen],
        "without": dict.fromkeys(names, probs[chosen]),
        "seen": np.zeros(int(chosen.sum()), bool),
        "val_ids": ids[val],
        "val_probs": probs[val],
        "n_fitted": int((table["split"] != "test").sum()),
        "repeats": np.empty((0, int(chosen.sum()), len(CLASSES)), np.float32),
        "added": np.tile(np.float32([2.0, 1.5, -0.5]), (int(chosen.sum()), 1)),
    }
    return Predictions(**content | changes)


def groups_of(table: pd.DataFrame) -> pd.Series:
    """Return the group of every listing, indexed by id."""
    return table.set_index("id")["group"]


def params_content(changes: dict[str, Any]) -> Any:
    """Return the content of params.yaml with some values changed, by their dotted paths."""
    content = YAML(typ="safe").load(Path(__file__).parents[1] / "params.yaml")
    for path, value in changes.items():
        *sections, last = path.split(".")
        section = content
        for name in sections:
            section = section[name]
        section[last] = value
    return content
