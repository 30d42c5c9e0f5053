"""A small experiment, really evaluated, in which every word that a listing brings is hostile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from src.artifacts.outputs import RowOutput
from src.core.files import write_json
from src.core.listings import PREPARED, SPLITS, write_listings
from src.core.schema import Collect, Params, Rows
from src.evaluation.evaluate import evaluate
from src.evaluation.read import read_inputs
from src.evaluation.write import write_evaluation
from src.report.content import page_content
from src.report.render import render
from src.report.results import Results, read_results
from tests.made import (
    CLASSES,
    made_notes,
    made_output,
    made_predictions,
    made_table,
    one_hot,
)

# A careless reader would take one for a number and one for missing; in sorted order.
HOSTILE = '<img src=x onerror="document.title=1"> %{x} & <b>bold</b>'
NAMES = dict(zip(CLASSES, ("2022", HOSTILE, "NA"), strict=True))
TITLE = "<script>document.title='pwned'</script>"
TEXT = "</script><script>document.title='pwned'</script> {{ 7 * 7 }} <!--times-->"
ROWS = Rows(image=["cnn"], text=["tfidf"], fused=["stack"])
# What the stage gets of params.yaml.
CHOSEN = Params.model_construct(
    model="cnn",
    text_model="tfidf",
    fused_model="stack",
    collect=Collect.model_construct(source="demo"),
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
    text = made_output(table, classes=names, probs=_unsure(rng, table, 4))
    with_photo = table["id"].to_numpy(dtype=str)[table["photo_row"].to_numpy() >= 0]
    image = RowOutput(
        *(part.subset(np.isin(part.ids, with_photo)) for part in (text.full, text.out_of_fold))
    )
    fused = _unsure(rng, table, 6)
    table["category"] = table["category"].map(NAMES)
    _write_inputs(data, table, rng)
    for row, output in (("cnn", image), ("tfidf", text)):
        output.save(data / "embeddings" / row)
        write_json(data / "weights" / row / "source.json", {"weights": "random"})
    (data / "checkpoints" / "cnn").mkdir(parents=True)
    curves = {"epoch": [1, 2], "train_loss": [2, 1], "val_loss": [2, 1], "val_f1_macro": [0.5, 0.6]}
    pd.DataFrame(curves).to_csv(data / "checkpoints" / "cnn" / "curves.csv", index=False)
    shown = table.assign(category=table["category"].map({to: by for by, to in NAMES.items()}))
    for row, split in (("stack", "test"), ("leaky", "train")):
        chosen = (table["split"] == split).to_numpy()
        made_predictions(
            shown,
            chosen,
            classes=names,
            probs=fused[chosen],
            without=dict.fromkeys(("photo_only", "text_only"), fused[chosen])
            if row == "stack"
            else {},
            seen=np.full(int(chosen.sum()), row == "leaky"),
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


def with_scores(results: Results, row: str, **scores: float) -> Results:
    """Change what a row scored."""
    table = results.table.copy()
    table.loc[table["row"] == row, list(scores)] = list(scores.values())
    return replace(results, table=table)


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
            "category_of_few_groups": {},
            "fits_no_category": 3,
            "duplicate_in_later_part": 1,
        },
    }
    was = {"changed": {table["id"].iloc[-1]: NAMES[CLASSES[0]]}, "said": [f"one label: {TITLE}"]}
    notes["corrections"] = was
    write_json(data / "prepared" / "notes.json", made_notes() | notes)
    (data / "raw" / "notes").mkdir(parents=True)
    for name, reason in (("rejected", TITLE), ("noted", "page repeats listings")):
        noted = pd.DataFrame({"id": ["", "x"], "reason": [reason, reason], "detail": [TEXT, TEXT]})
        noted.to_csv(data / "raw" / "notes" / f"{name}.csv", index=False)
    (data / "packed").mkdir()
    photos = rng.integers(0, 256, (len(table), 16, 16, 3), dtype=np.uint8)
    np.save(data / "packed" / "photos.npy", photos)
