"""A small pipeline, fitted once: raw listings and photos, models, predictions of the test part."""

from __future__ import annotations

import shutil
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
from src.core.files import write_json
from src.core.listings import PREPARED, check_listings, labels_of
from src.encoders.common.folds import train
from src.encoders.common.network import NetworkEncoder
from src.encoders.common.row import save_model, save_scores
from src.encoders.image.data import ImageData
from src.encoders.text.data import TextData
from src.encoders.text.tfidf import BagOfWords
from src.encoders.text.tokens import tokenize
from src.encoders.text.words_and_network import WordsAndNetwork
from src.encoders.weights.fetch import IMAGENET_NORM
from src.fusion.fuse import fuse
from src.fusion.fused import save_fused
from src.fusion.predictions import Predictions
from src.predict.bundle import write_bundle
from src.prepare.pack import pack_photos
from tests.made import CLASSES

torch.set_num_threads(1)

SIZE = 32
N = 60
COLUMNS = {"id": "id", "title": "title", "text": "description", "price": "price", "photo": "image"}
TRAINER = {"accelerator": "cpu", "precision": "32-true", "workers": 0, "devices": 1, "nodes": 1}
SPEC: dict[str, Any] = {
    "size": 24, "tune": "full", "augment": "none", "views": 0, "folds": 0, "max_tokens": 12,
    "epochs": 2, "patience": 2, "batch": 12, "lr": 0.003, "weight_decay": 0.05, "dropout": 0.1,
    "imbalance": "weights", "C": 10.0, "components": 8,
}  # fmt: skip
KERNEL = {"tune": "kernel", "words": 0.5, "gamma": 2.0, "penalty": 0.2}
FUSION: dict[str, Any] = {
    "stack": {"head": "stack", "inputs": "probs", "price": True, "settings": {"penalty": 0.01}},
    "nn": {
        "head": "nn", "inputs": "both", "price": False,
        "settings": {"hidden_layer_sizes": [8], "max_iter": 3},
    },
    "knn": {"head": "knn", "inputs": "features", "price": True, "settings": {"n_neighbors": 3}},
    "random_forest": {
        "head": "random_forest", "inputs": "probs", "price": True, "settings": {"n_estimators": 3},
    },
}  # fmt: skip
BERT = {
    "model_type": "bert", "hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 48, "max_position_embeddings": 64,
}  # fmt: skip


@dataclass(frozen=True)
class Pipeline:
    """What the stages leave: `raw` as collected, `photos` and `data` as folders."""

    raw: pd.DataFrame
    photos: Path
    data: Path

    def params(self, **changes: Any) -> dict[str, Any]:
        """The parameters of stage bundle."""
        return {
            "model": "cnn",
            "text_model": "tfidf",
            "fused_model": "stack",
            "fusion": FUSION,
            "pack": {"size": SIZE},
            "collect": {"table": {"columns": COLUMNS}},
        } | changes

    def bundle(self, out: Path, **changes: Any) -> Path:
        write_bundle(self.data, self.params(**changes), out)
        return out

    def predictions(self, text_model: str, fused_model: str) -> Predictions:
        """Fit the head, leave its checkpoint, return what it says of the test part."""
        table = pd.read_parquet(self.data / "prepared.parquet")
        image, text = (
            RowOutput.load(self.data / "embeddings" / row) for row in ("cnn", text_model)
        )
        fused = fuse(table, image, text, FUSION[fused_model], seed=7)
        classes = fused.predictions.classes
        save_fused(fused.model, classes, self.data / "checkpoints" / fused_model)
        return fused.predictions


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("pipeline")
    photos, data = folder / "photos", folder / "data"
    raw = _raw(photos)
    pack_photos(raw, photos, data / "packed", SIZE)
    index = pd.read_parquet(data / "packed" / "index.parquet")
    table = with_words(raw).assign(
        photo_row=index["row"], group=raw["id"], split=["train"] * 36 + ["val"] * 12 + ["test"] * 12
    )
    table = check_listings(table.assign(fold=-1, listed=None), PREPARED, "made")
    table.to_parquet(data / "prepared.parquet")
    classes, labels = labels_of(table)
    for row, about in {
        "cnn": {"network": "plain_cnn", "weights": "random", **IMAGENET_NORM},
        "tiny": {"network": "tiny", "weights": "random"},
        "stored": {"network": "tiny", "weights": "hub"},
        "mixed": {"network": "tiny", "weights": "random"},
        "tfidf": {"network": "", "weights": "none"},
    }.items():
        spec = SPEC | KERNEL if row == "mixed" else SPEC
        weights = data / "weights" / row
        write_json(weights / "source.json", about)
        encoder: Any
        if row == "cnn":
            rows: Any = ImageData(table, data / "packed", weights, spec)
        else:
            write_json(weights / "config.json", BERT)
            if row == "stored":
                _store(weights, data / "tokens" / "tiny")
            tokenize(table, weights, data / "tokens" / row)
        if row == "tfidf":
            words = pd.read_parquet(data / "tokens" / row / "tokens.parquet")
            encoder = BagOfWords(table, words, labels, len(classes), SPEC, 7)
        else:
            rows = rows if row == "cnn" else TextData(table, data / "tokens" / row, weights, spec)
            encoder = NetworkEncoder(rows, labels, len(classes), spec, TRAINER, 7, row)
        if row == "mixed":
            encoder = WordsAndNetwork(encoder, rows, table)
        about = {"spec": SPEC} if row == "tfidf" else rows.about()
        trained = train(encoder, table, 0, 7, row)
        save_model(trained, data / "checkpoints" / row, about)
        save_scores(trained, data / "embeddings" / row)
    made = Pipeline(raw, photos, data)
    made.predictions("tfidf", "stack")
    return made


@pytest.fixture(scope="session")
def bundle(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a plain CNN, a bag of words and the stacked head."""
    return pipeline.bundle(tmp_path_factory.mktemp("bundle") / "bundle")


def _store(weights: Path, tokens: Path) -> None:
    """Leave weights and tokenizer as a hub has them: room for more tokens, half precision."""
    config = BertConfig(**BERT, vocab_size=200, dtype="float16")
    BertModel(config).half().save_pretrained(weights)
    shutil.copyfile(tokens / "tokenizer.json", weights / "tokenizer.json")


def _raw(photos: Path) -> pd.DataFrame:
    """Listings as collected; of the last twelve, the test part, each lacks something else."""
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
    return raw.astype({"photo": "str"})
