"""Two processes that fit one network, against one process: are the losses the same?

python -m benchmarks.ddp [--quick]
"""

from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch

from src.core.files import read_json, write_json
from src.encoders.common.network import NetworkEncoder
from src.encoders.image.data import ImageData
from src.encoders.text.data import TextData
from src.encoders.text.tokens import tokenize
from src.encoders.weights.fetch import IMAGENET_NORM, fetch_weights

CLASSES = 9
TRAIN, VAL = 384, 96
EPOCHS, QUICK_EPOCHS = 3, 1
TOLERANCE = 1e-5
# The rows of params.yaml; nothing is dropped out, for that differs from process to process.
SPEC = {
    "tune": "full", "batch": 32, "weight_decay": 0.05, "dropout": 0.0, "imbalance": "weights",
    "size": 64, "augment": "none", "views": 0, "max_tokens": 64,
}  # fmt: skip
RATES = {"cnn": 0.003, "rubert_tiny2": 0.0005}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for line in run(parser.parse_args().quick):
        print(line)


def run(quick: bool) -> list[dict[str, Any]]:
    """One line for each kind of network: the largest difference of a loss."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("cnn",) if quick else ("cnn", "rubert_tiny2")
        return [_line(name, quick, Path(folder)) for name in names]


def _line(name: str, quick: bool, folder: Path) -> dict[str, Any]:
    data, labels = (_photos if name == "cnn" else _texts)(folder / name)
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
        "name": f"two processes fit {name}",
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
    """Losses on train and val after each epoch, [E, 2], with so many threads in each process."""
    trainer = {
        "accelerator": "cpu", "precision": precision, "workers": 0, "devices": processes,
        "nodes": 1,
    }  # fmt: skip
    spec = SPEC | {"lr": RATES[name], "epochs": epochs, "patience": epochs}
    encoder = NetworkEncoder(data, labels, CLASSES, spec, trainer, 7, name)
    rows, before = np.arange(TRAIN + VAL), torch.get_num_threads()
    torch.set_num_threads(threads)
    with patch.dict(os.environ, {"OMP_NUM_THREADS": str(threads)}):
        _, curves = encoder.fit(rows[:TRAIN], rows[TRAIN:], 0)
    torch.set_num_threads(before)
    return curves[["train_loss", "val_loss"]].to_numpy()


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference of two fits' losses on train and val, over all epochs."""
    return float(np.abs(one - other).max())


def _photos(folder: Path) -> tuple[ImageData, np.ndarray]:
    """Noise that is brighter the higher the class."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    labels = rng.choice(CLASSES, TRAIN + VAL, p=_shares())
    photos = rng.integers(0, 128, (len(labels), 64, 64, 3), np.uint8)
    np.save(folder / "photos.npy", photos + (labels * 12)[:, None, None, None].astype(np.uint8))
    about = {"network": "plain_cnn", "weights": "random", **IMAGENET_NORM}
    write_json(folder / "source.json", about)
    table = pd.DataFrame({"photo_row": np.arange(len(labels)), "group": "x"})
    return ImageData(table, folder, folder, SPEC), labels


def _texts(folder: Path) -> tuple[TextData, np.ndarray]:
    """Words of which every third is the class's own."""
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
    weights, tokens = folder / "weights", folder / "tokens"
    entry = {"network": "cointegrated/rubert-tiny2", "weights": "random"}
    fetch_weights("text", "rubert_tiny2", {"offline": entry}, "offline", weights)
    shape = read_json(weights / "config.json")
    nothing = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    write_json(weights / "config.json", shape | nothing)
    tokenize(table, weights, tokens)
    return TextData(table, tokens, weights, SPEC), labels


def _shares() -> np.ndarray:
    """Unbalanced classes, so that the weights of shares differ."""
    shares = 0.7 ** np.arange(CLASSES)
    return shares / shares.sum()


if __name__ == "__main__":
    main()
