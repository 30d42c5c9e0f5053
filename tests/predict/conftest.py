"""A small pipeline, fitted once: listings, photos, models, predictions for the test split."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from transformers import BertConfig, BertModel

from src.artifacts.outputs import RowOutput
from src.cleaning.text import with_words
from src.core.errors import run_command
from src.core.files import write_json
from src.core.listings import PREPARED, check_listings
from src.core.params import all_params
from src.core.schema import FusedModel, KernelText, Tfidf, TrainedImage, TrainedText
from src.encoders.image.train import train_image
from src.encoders.text.tokens import tokenize
from src.encoders.text.train import train_text
from src.encoders.weights.fetch import IMAGENET_NORM
from src.fusion import choosing, fused
from src.fusion.choosing import ORDER_KEPT, Mask, Probs, held_out_probs, stacked
from src.fusion.conditional_logit import ConditionalLogit
from src.fusion.fuse import fuse
from src.fusion.join import join_rows
from src.fusion.predictions import Predictions
from src.predict.__main__ import main
from src.predict.bundle import rows_by_kind
from src.predict.make_bundle import write_bundle
from src.predict.refit import judged_on, refit_models
from src.prepare.pack import pack_photos
from tests.made import CLASSES

torch.set_num_threads(1)
Run = Callable[..., str]

PIXELS = 32
N = 60
COLUMNS = {"id": "id", "title": "title", "text": "description", "price": "price", "photo": "image"}
TRAINER = all_params().trainer.model_copy(
    update={"accelerator": "cpu", "workers": 0, "devices": 1, "nodes": 1}
)
NETWORK: dict[str, Any] = {"network": "tiny", "weights": "random"}
EPOCHS: dict[str, Any] = NETWORK | {
    "tune": "full", "epochs": 2, "patience": 2, "batch": 12, "lr": 0.003, "weight_decay": 0.05,
    "dropout": 0.1, "imbalance": "weights", "folds": 0,
}  # fmt: skip
IMAGE = TrainedImage(pixels=24, augment="none", views=0, **EPOCHS)
TEXT = TrainedText(max_tokens=12, **EPOCHS)
MIXED = KernelText(
    max_tokens=12, tune="kernel", words=0.5, gamma=2.0, penalty=0.2, batch=12,
    imbalance="weights", **NETWORK,
)  # fmt: skip
TFIDF = Tfidf(network="", weights="none", C=10.0, components=8, folds=0, imbalance="weights")
FUSION = {
    "stack": FusedModel(head="stack", inputs="probs", price=True, settings={"penalty": 0.01}),
    "nn": FusedModel(
        head="nn", inputs="both", price=False,
        settings={"hidden_layer_sizes": [8], "max_iter": 3},
    ),
    "knn": FusedModel(head="knn", inputs="features", price=True, settings={"n_neighbors": 3}),
    "random_forest": FusedModel(
        head="random_forest", inputs="probs", price=True, settings={"n_estimators": 3}
    ),
    "gbdt": FusedModel(
        head="gbdt", inputs="probs", price=True, meta_features=True,
        settings={"max_iter": 5, "min_samples_leaf": 2},
    ),
}  # fmt: skip
BERT = {
    "model_type": "bert", "hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 48, "max_position_embeddings": 64,
}  # fmt: skip


def first_head(
    heads: list[Any], x: Any, y: Any, rows: Mask, fold: Any, start: Probs, evidence: float
) -> choosing.Choice:
    """Take the first head, joined to its start: so few listings would let none answer."""
    if not heads:
        return choosing.Choice(None, None, start)
    both = stacked(start, held_out_probs(heads[0], x, y, rows, fold, start))
    join = ConditionalLogit(start.shape[1], penalty=ORDER_KEPT).fit(both[rows], y[rows])
    return choosing.Choice(heads[0], join, join.predict_proba(both))


@dataclass(frozen=True)
class Pipeline:
    """What the stages leave: `raw` as collected, `photos` and `data` as folders."""

    raw: pd.DataFrame
    photos: Path
    data: Path

    def bundle(
        self,
        out: Path,
        image_row: str = "cnn",
        text_row: str = "tfidf",
        fused_row: str = "stack",
        refit: bool = False,
    ) -> Path:
        """Write a bundle as the stage does."""
        table = pd.read_parquet(self.data / "prepared.parquet")
        rows, settings = rows_by_kind(image_row, text_row, fused_row), FUSION.get(fused_row)
        refitted = out.with_name("refitted") if refit else None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fused, "choose", first_head)
            fitted_on = (
                refit_models(self.data, refitted, table, rows, settings, TRAINER, 7)
                if refitted
                else judged_on(self.data, rows)
            )
        columns = all_params().collect.table.columns.model_copy(update=COLUMNS)
        write_bundle(
            self.data,
            out,
            table,
            rows=rows,
            fused_model=settings,
            photo_pixels=PIXELS,
            columns=columns,
            fitted_on=fitted_on,
            metrics=self.data / "metrics",
            source="table",
            refitted=refitted,
        )
        return out

    def predictions(self, text_row: str, fused_row: str) -> Predictions:
        """Fit the head, leave its checkpoint, return its predictions for the test split."""
        table = pd.read_parquet(self.data / "prepared.parquet")
        image, text = (RowOutput.load(self.data / "embeddings" / row) for row in ("cnn", text_row))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fused, "choose", first_head)
            found = fuse(table, image, text, FUSION[fused_row], seed=7)
        found.model.save(self.data / "checkpoints" / fused_row)
        return found.predictions


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("pipeline")
    photos, data = folder / "photos", folder / "data"
    raw = _raw(photos)
    pack_photos(raw, photos, data / "packed", PIXELS)
    index = pd.read_parquet(data / "packed" / "index.parquet")
    table = with_words(raw).assign(
        photo_row=index["row"], group=raw["id"], split=["train"] * 36 + ["val"] * 12 + ["test"] * 12
    )
    table = check_listings(table.assign(fold=-1, listed=None), PREPARED, "made")
    table.to_parquet(data / "prepared.parquet")
    cnn = {"network": "plain_cnn", "weights": "random", **IMAGENET_NORM}
    write_json(data / "weights" / "cnn" / "source.json", cnn)
    train_image(table, "cnn", IMAGE, TRAINER, 7, data)
    sources: dict[str, tuple[dict[str, str], TrainedText | KernelText | Tfidf]] = {
        "tiny": ({"network": "tiny", "weights": "random"}, TEXT),
        "stored": ({"network": "tiny", "weights": "hub"}, TEXT),
        "mixed": ({"network": "tiny", "weights": "random"}, MIXED),
        "tfidf": ({"network": "", "weights": "none"}, TFIDF),
    }
    for row, (source, settings) in sources.items():
        weights = data / "weights" / row
        write_json(weights / "source.json", source)
        write_json(weights / "config.json", BERT)
        if row == "stored":
            _store(weights, data / "tokens" / "tiny")
        tokenize(table, weights, data / "tokens" / row)
        train_text(table, row, settings, TRAINER, 7, data)
    join_rows(table, "joined", {"first": "mixed", "second": "tfidf"}, data, seed=7, repeats=1)
    _evaluation(data, table, ("cnn", *sources, "joined", *FUSION))
    # Probabilities as they are, so that they can be compared.
    rows = ("cnn", *sources, "joined", *FUSION)
    write_json(data / "evaluation" / "temperature.json", dict.fromkeys(rows, 1.0))
    made = Pipeline(raw, photos, data)
    made.predictions("tfidf", "stack")
    return made


@pytest.fixture(scope="session")
def bundle(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a plain CNN, TF-IDF and the stacked head."""
    # Other tests leave other heads under this name.
    pipeline.predictions("tfidf", "stack")
    return pipeline.bundle(tmp_path_factory.mktemp("bundle") / "bundle")


@pytest.fixture
def run(bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line with the bundle; give what it printed."""

    def run(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["predict", "--bundle", str(bundle), *map(str, arguments)])
        run_command(main)
        return capsys.readouterr().out

    return run


@pytest.fixture
def ads(pipeline: Pipeline, tmp_path: Path) -> Path:
    """A folder of three tables of 20 listings, one of them CSV, beside their photos.

    A row of the CSV table cannot be read, a photo of part-1 is broken and one is missing.
    """
    raw = pipeline.raw.rename(columns={"text": "description", "photo": "image"})
    raw = raw[["id", "title", "description", "price", "image"]]
    folder = tmp_path / "ads"
    shutil.copytree(pipeline.photos, folder)
    raw.iloc[:20].to_csv(folder / "part-0.csv", index=False)
    with (folder / "part-0.csv").open("a", encoding="utf-8") as file:
        file.write("r99,стол,,5,,6\n")
    for number in (1, 2):
        raw.iloc[20 * number : 20 * number + 20].to_parquet(folder / f"part-{number}.parquet")
    (folder / "21.jpg").write_bytes(b"\xff\xd8\xff no photo")
    (folder / "22.jpg").unlink()
    return folder


def _evaluation(data: Path, table: pd.DataFrame, rows: tuple[str, ...]) -> None:
    """Leave made scores of all rows, and their answers on the test split, two of them wrong."""
    test = table[table["split"] == "test"]
    predicted = test["category"].to_numpy(dtype=object)
    predicted[:2] = CLASSES[0], CLASSES[1]
    answers = test[["id"]].assign(actual=test["category"], predicted=predicted, predicted_prob=0.8)
    (data / "evaluation").mkdir()
    pd.concat([answers.assign(row=row) for row in rows]).to_parquet(
        data / "evaluation" / "predictions.parquet"
    )
    per_class = pd.DataFrame({"category": CLASSES, "f1": 0.75, "n": 4})
    (data / "metrics").mkdir()
    pd.concat([per_class.assign(row=row) for row in rows]).to_csv(data / "metrics/per_class.csv")
    scores = {
        "n": 12, "f1_macro": 0.8, "f1_low": 0.6, "f1_high": 0.95, "accuracy": 0.83,
        "accuracy_low": 0.55, "accuracy_high": 0.97, "threshold_at_90": 0.6, "share_at_90": 0.7,
    }  # fmt: skip
    for kind in ("image", "text", "fused"):
        for row in rows:
            write_json(data / "metrics" / kind / f"{row}.json", scores)


def _store(weights: Path, tokens: Path) -> None:
    """Leave weights and tokenizer as a hub has them: room for more tokens, half precision."""
    config = BertConfig(**BERT, vocab_size=200, dtype="float16")
    BertModel(config).half().save_pretrained(weights)
    shutil.copyfile(tokens / "tokenizer.json", weights / "tokenizer.json")


def _raw(photos: Path) -> pd.DataFrame:
    """Listings as collected; of the last twelve, the test split, some lack something."""
    rng = np.random.default_rng(0)
    photos.mkdir()
    rows = []
    for n in range(N):
        name = CLASSES[n % 3]
        pixels = rng.integers(0, 120, (6, 8, 3), dtype=np.uint8)
        pixels[..., n % 3] += 100
        Image.fromarray(pixels).resize((80 + n, 60)).save(photos / f"{n}.jpg")
        text = f"Продаю <b>{name}</b> №{n % 7}, звоните [phone]"
        rows.append((f"r{n:02}", name.upper(), text, 100.0 * (n % 3) + n, name, f"{n}.jpg"))
    raw = pd.DataFrame(rows, columns=["id", "title", "text", "price", "category", "photo"])
    raw.loc[[5, 50, 52], "photo"] = None
    raw.loc[[6, 51, 53], ["title", "text"]] = ""
    raw.loc[[7, 52, 54, 53], "price"] = np.nan
    raw.loc[55, "title"] = ""
    # No text model knows anything of it.
    raw.loc[56, ["title", "text"]] = ["👍", "☆☆☆"]
    return raw.astype({"photo": "str"})
