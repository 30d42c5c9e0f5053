"""Two processes that fit one network, against one process: are the losses the same?

On CPUs, where each process normalises its own rows of a batch, so the networks do not normalise.

python -m benchmarks.ddp [--quick]
"""

from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from torch import nn

from src.core.files import write_json
from src.core.params import all_params
from src.encoders.common.encoder import FitPlan
from src.encoders.common.fine_tune import FineTune
from src.encoders.image.data import ImageData
from src.encoders.image.model import ImageClassifier
from src.encoders.text.classifier import TextNetworkClassifier
from src.encoders.text.data import TextData
from src.encoders.text.tokens import tokenize
from src.encoders.weights.fetch import IMAGENET_NORM, TEXT_SHAPES

CLASSES = 9
TRAIN, VAL = 384, 96
EPOCHS, QUICK_EPOCHS = 3, 1
TOLERANCE = 1e-5
# What is dropped out differs from process to process, so nothing is.
PHOTOS, TEXTS = {"dropout": 0.0}, {"dropout": 0.0, "max_tokens": 64}


class PhotosWithoutNorm(ImageData):
    """Photos for a network without batch normalisation."""

    def start(self, classes: Sequence[str]) -> ImageClassifier:
        """Return the network with its first weights, to be fitted."""
        model = super().start(classes)
        _remove_norm(model.network)
        return model


class TextsWithoutNorm(TextData):
    """Texts for a network without batch normalisation."""

    def start(self, classes: Sequence[str]) -> TextNetworkClassifier:
        """Return the network with its first weights, to be fitted."""
        model = super().start(classes)
        _remove_norm(model.network)
        return model


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for line in run(parser.parse_args().quick):
        print(line)


def run(quick: bool) -> list[dict[str, Any]]:
    """Return one line for each kind of network: the largest difference of a loss."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("cnn",) if quick else ("cnn", "rubert_tiny2")
        return [_line(name, quick, Path(folder)) for name in names]


def _line(name: str, quick: bool, folder: Path) -> dict[str, Any]:
    folder = folder / name
    folder.mkdir()
    data, labels = _photos(folder) if name == "cnn" else _texts(folder)
    cores = os.cpu_count() or 2

    def losses(processes: int, precision: str, threads: int = 0) -> np.ndarray:
        threads = threads or max(1, cores // processes)
        epochs = QUICK_EPOCHS if quick else EPOCHS
        return _losses(data, labels, name, processes, precision, threads, epochs)

    double = _apart(losses(2, "64-true"), losses(1, "64-true"))
    note = f"largest difference {double:.1e} in double precision"
    if not quick:
        one = losses(1, "32-true")
        single, rounding = _apart(losses(2, "32-true"), one), _apart(losses(1, "32-true", 1), one)
        note += (
            f"; {single:.1e} in single, in which one process with {cores} threads differs by "
            f"{rounding:.1e} from one with 1"
        )
    return {
        "name": f"two processes fit {name} without batch normalisation",
        "target": f"losses within {TOLERANCE:g} of one process's",
        "met": double <= TOLERANCE,
        "note": note,
    }


def _losses(
    data: Any,
    labels: np.ndarray,
    name: str,
    processes: int,
    precision: str,
    threads: int,
    epochs: int,
) -> np.ndarray:
    """Return the losses on train and val after each epoch, [E, 2].

    Args:
        threads: in each process.
    """
    changes = {"accelerator": "cpu", "precision": precision, "devices": processes}
    trainer = all_params().trainer.model_copy(update=changes)
    settings = data.settings.model_copy(update={"epochs": epochs, "patience": epochs})
    encoder = FineTune(data, labels, [str(i) for i in range(CLASSES)], settings, trainer, 7, name)
    rows, before = np.arange(TRAIN + VAL), torch.get_num_threads()
    torch.set_num_threads(threads)
    with patch.dict(os.environ, {"OMP_NUM_THREADS": str(threads)}):
        _, curves = encoder.fit(rows[:TRAIN], FitPlan(7, name, val=rows[TRAIN:]))
    torch.set_num_threads(before)
    return curves[["train_loss", "val_loss"]].to_numpy()


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference of two fits' losses on train and val, over all epochs."""
    return float(np.abs(one - other).max())


def _photos(folder: Path) -> tuple[ImageData, np.ndarray]:
    """Return noise that is brighter the higher the class."""
    rng = np.random.default_rng(0)
    labels = rng.choice(CLASSES, TRAIN + VAL, p=_shares())
    photos = rng.integers(0, 128, (len(labels), 64, 64, 3), np.uint8)
    np.save(folder / "photos.npy", photos + (labels * 12)[:, None, None, None].astype(np.uint8))
    source = {"network": "plain_cnn", "weights": "random", **IMAGENET_NORM}
    write_json(folder / "source.json", source)
    table = pd.DataFrame({"photo_row": np.arange(len(labels)), "group": "x"})
    settings: Any = all_params().image_models["cnn"].model_copy(update=PHOTOS)
    return PhotosWithoutNorm(table, folder, folder, settings), labels


def _texts(folder: Path) -> tuple[TextData, np.ndarray]:
    """Return texts in which every third word is one of the class's own."""
    rng = np.random.default_rng(0)
    labels = rng.choice(CLASSES, TRAIN + VAL, p=_shares())
    words = np.array([f"слово{i}" for i in range(900)])
    texts = []
    for label in labels:
        chosen = words[rng.integers(0, 600, rng.integers(5, 50))]
        chosen[::3] = words[600 + 30 * label + rng.integers(0, 30, len(chosen[::3]))]
        texts.append(" ".join(chosen))
    table = pd.DataFrame({"title": [t[:20] for t in texts], "text": texts, "group": "x"})
    table["id"], table["split"] = table.index.astype(str), "train"
    network = "cointegrated/rubert-tiny2"
    nothing = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    write_json(folder / "config.json", {"model_type": "bert", **TEXT_SHAPES[network], **nothing})
    write_json(folder / "source.json", {"network": network, "weights": "random"})
    tokenize(table, folder, folder / "tokens")
    settings: Any = all_params().text_models["rubert_tiny2"].model_copy(update=TEXTS)
    return TextsWithoutNorm(table, folder / "tokens", folder, settings), labels


def _remove_norm(network: nn.Module) -> None:
    for module in list(network.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                module.add_module(name, nn.Identity())


def _shares() -> np.ndarray:
    """Return sizes of unbalanced classes: the weights of the processes' shares differ."""
    shares = 0.7 ** np.arange(CLASSES)
    return shares / shares.sum()


if __name__ == "__main__":
    main()
