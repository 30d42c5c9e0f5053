"""A small experiment, really evaluated, in which every word that a listing brings is hostile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from src.core.files import write_json
from src.core.listings import PREPARED, SPLITS, write_listings
from src.core.schema import Collect, Params, Rows
from src.evaluation.evaluate import evaluate
from src.evaluation.read import read_inputs
from src.evaluation.write import write_evaluation
from src.fusion.predictions import Predictions
from src.report.content import page_content
from src.report.render import render
from src.report.results import Results, read_results
from tests.made import CLASSES, made_features, made_notes, made_table, one_hot

# A careless reader would take one for a number and one for missing; in sorted order.
HOSTILE = '<img src=x onerror="document.title=1"> %{x} & <b>bold</b>'
NAMES = dict(zip(CLASSES, ("2022", HOSTILE, "NA"), strict=True))
TITLE = "<script>document.title='pwned'</script>"
TEXT = "</script><script>document.title='pwned'</script> {{ 7 * 7 }} <!--times-->"
ROWS = Rows(image=["cnn"], text=["tfidf"], fused=["stack"])
# What the stage gets of params.yaml.
CHOSEN = Params.model_construct(
    model="cnn", text_model="tfidf", collect=Collect.model_construct(source="demo")
)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders metrics and data, as the stages before the report leave them."""
    root = tmp_path_factory.mktemp("experiment")
    metrics, data = root / "metrics", root / "data"
    table = made_table(60, 24, 30)
    table["title"], table["text"] = TITLE, TEXT
    table.loc[table.index % 5 == 0, "photo_row"] = -1
    table.loc[table.index % 7 == 0, "price"] = np.nan
    rng = np.random.default_rng(0)
    names = np.array([NAMES[name] for name in CLASSES])
    text = made_features(table, classes=names, probs=_unsure(rng, table, 4))
    image = text.subset(table["photo_row"].to_numpy() >= 0)
    fused = _unsure(rng, table, 6)
    table["category"] = table["category"].map(NAMES)
    _write_inputs(data, table, rng)
    for row, features in (("cnn", image), ("tfidf", text)):
        features.save(data / "embeddings" / row / "features.npz")
        write_json(data / "weights" / row / "source.json", {"weights": "random"})
    (data / "checkpoints" / "cnn").mkdir(parents=True)
    curves = {"epoch": [1, 2], "train_loss": [2, 1], "val_loss": [2, 1], "val_f1_macro": [0.5, 0.6]}
    pd.DataFrame(curves).to_csv(data / "checkpoints" / "cnn" / "curves.csv", index=False)
    for row, split, less in (
        ("stack", "test", ("photo_only", "text_only")),
        ("leaky", "train", ()),
    ):
        chosen = (table["split"] == split).to_numpy()
        probs = fused[chosen]
        Predictions(
            ids=table["id"].to_numpy(dtype=str)[chosen],
            classes=names,
            probs=probs,
            without=dict.fromkeys(less, probs),
            seen=np.full(len(probs), row == "leaky"),
        ).save(data / "predictions" / f"{row}.npz")
    inputs = read_inputs(data, ROWS, CHOSEN.model, CHOSEN.text_model)
    write_evaluation(evaluate(inputs, seed=7), metrics, data / "evaluation")
    return metrics, data


@pytest.fixture(scope="session")
def results(folders: tuple[Path, Path]) -> Results:
    return read_results(*folders)


@pytest.fixture(scope="session")
def page(results: Results) -> str:
    return render(page_content(results, CHOSEN))


def _unsure(rng: np.random.Generator, table: pd.DataFrame, wrong: int) -> NDArray[np.float32]:
    """Probabilities, [N, C], that are wrong for each `wrong`th listing."""
    probs = one_hot(table) * rng.uniform(0.6, 1, (len(table), 1)).astype(np.float32)
    probs[::wrong] = np.roll(probs[::wrong], 1, axis=1)
    return (probs + 0.05) / (probs + 0.05).sum(1, keepdims=True)


def _write_inputs(data: Path, table: pd.DataFrame, rng: np.random.Generator) -> None:
    write_listings(table, data / "prepared" / "listings.parquet", PREPARED)
    counts = pd.crosstab(table["category"], table["split"]).reindex(columns=SPLITS, fill_value=0)
    notes = {
        "collected": len(table) + 3,
        "listings": len(table),
        "categories": counts.to_dict("index"),
        "photos": {"read": 91, "none": 20, "problems": {"broken or truncated": 3}},
        "no_text": 0,
        "no_price": int(table["price"].isna().sum()),
        "contacts_hidden": {"email": 1, "phone": 2},
        "set_aside": {
            "category_too_small": {HOSTILE: 2},
            "category_of_few_sellers": {},
            "duplicate_in_later_part": 1,
        },
    }
    write_json(data / "prepared" / "notes.json", made_notes() | notes)
    (data / "raw" / "notes").mkdir(parents=True)
    for name, reason in (("rejected", TITLE), ("noted", "page repeats listings")):
        noted = pd.DataFrame({"id": ["", "x"], "reason": [reason, reason], "detail": [TEXT, TEXT]})
        noted.to_csv(data / "raw" / "notes" / f"{name}.csv", index=False)
    (data / "packed").mkdir()
    photos = rng.integers(0, 256, (len(table), 16, 16, 3), dtype=np.uint8)
    np.save(data / "packed" / "photos.npy", photos)
