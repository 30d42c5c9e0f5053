"""Tiny photos, texts and networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from src.core.files import write_json
from src.core.schema import KernelImage, KernelText, TrainedImage, TrainedText, Trainer
from src.encoders.text.tokens import tokenize
from src.encoders.weights.fetch import IMAGENET_NORM
from tests.made import labels, made_table

# More threads only get into each other's way in networks as small as these.
torch.set_num_threads(1)

SIZE = 32
TRAINER = Trainer(
    accelerator="cpu",
    precision="32-true",
    features="torch",
    workers=0,
    devices=1,
    nodes=1,
    engine="local",
)
NETWORK = {"network": "tiny", "weights": "random"}
EPOCHS: dict[str, Any] = {
    **NETWORK,
    "tune": "full",
    "folds": 0,
    "epochs": 3,
    "patience": 3,
    "batch": 12,
    "lr": 0.003,
    "weight_decay": 0.05,
    "dropout": 0.1,
    "imbalance": "weights",
}
KERNEL: dict[str, Any] = {
    **NETWORK,
    "tune": "kernel",
    "batch": 12,
    "gamma": 2.0,
    "penalty": 0.2,
    "imbalance": "weights",
}
PHOTOS: dict[str, Any] = {"pixels": SIZE, "augment": "none", "views": 0}
TEXTS: dict[str, Any] = {"max_tokens": 16}


def trained_image(**changes: Any) -> TrainedImage:
    """Settings of an image row that is fitted in epochs."""
    return TrainedImage(**(EPOCHS | PHOTOS | changes))


def kernel_image(**changes: Any) -> KernelImage:
    """Settings of an image row under a kernel machine."""
    return KernelImage(**(KERNEL | PHOTOS | changes))


def trained_text(**changes: Any) -> TrainedText:
    """Settings of a text row that is fitted in epochs."""
    return TrainedText(**(EPOCHS | TEXTS | changes))


def kernel_text(**changes: Any) -> KernelText:
    """Settings of a text row under a kernel machine."""
    return KernelText(**(KERNEL | TEXTS | changes))


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    """Prepared listings; two of the train split are near-duplicates."""
    table = made_table()
    table.loc[[0, 3], "group"] = "twins"
    return table


@pytest.fixture(scope="session")
def packed(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of one coloured shape per category over noise."""
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 90, (len(table), SIZE, SIZE, 3), dtype=np.uint8)
    down, right = np.indices((SIZE, SIZE))
    for photo, label in zip(photos, labels(table), strict=True):
        y, x = rng.integers(10, 22, 2)
        near = (np.abs(down - y), np.abs(right - x))
        shape = [near[0] + near[1] < 9, np.maximum(*near) < 6, near[0] < 3][label]
        photo[shape, label] = 255
    folder = tmp_path_factory.mktemp("packed")
    np.save(folder / "photos.npy", photos)
    return folder


def photo_weights(folder: Path, network: str = "plain_cnn") -> Path:
    """Write the folder of an image network with random first weights."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"network": network, "weights": "random", **IMAGENET_NORM}
    write_json(folder / "source.json", about)
    return folder


@pytest.fixture(scope="session")
def cnn_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photo_weights(tmp_path_factory.mktemp("cnn"))


@pytest.fixture(scope="session")
def bert_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the folder of a text network of one layer with random weights and no tokenizer."""
    folder = tmp_path_factory.mktemp("bert")
    config = {
        "model_type": "bert",
        "hidden_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 64,
    }
    write_json(folder / "config.json", config)
    write_json(folder / "source.json", {"network": "tiny", "weights": "random"})
    return folder


@pytest.fixture(scope="session")
def tokens(
    table: pd.DataFrame, bert_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("tokens") / "tiny"
    tokenize(table, bert_weights, folder)
    return folder


def state_bytes(module: Any) -> dict[str, NDArray[Any]]:
    return {name: value.detach().cpu().numpy() for name, value in module.state_dict().items()}
