"""Two processes that fit one network, against one process: losses and time.

python -m benchmarks.ddp [--quick]
"""

from __future__ import annotations

import os
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch

from src.files import read_json, write_json
from src.models.image.data import Photos
from src.models.network import NetworkEncoder
from src.models.text.data import Texts
from src.models.text.tokens import tokenize
from src.models.weights import IMAGENET_NORM, fetch_weights

CLASSES = 9
TRAIN, VAL = 384, 96
TOLERANCE = 1e-5
# The rows of params.yaml; nothing is dropped out, for that differs from process to process.
SPEC = {
    "tune": "full", "batch": 32, "weight_decay": 0.05, "dropout": 0.0, "imbalance": "weights",
    "size": 64, "augment": "none", "views": 0, "max_tokens": 64,
}  # fmt: skip
RATES = {"cnn": 0.003, "rubert_tiny2": 0.0005}


class Fitted(NamedTuple):
    """Losses on train and val after each epoch, [E, 2], and the time that it took."""

    losses: np.ndarray
    seconds: float


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for line in run(parser.parse_args().quick):
        print(line)


def run(quick: bool) -> list[dict[str, Any]]:
    """One line for each kind of network: the largest difference of a loss, and the time."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("cnn",) if quick else ("cnn", "rubert_tiny2")
        return [_line(name, quick, Path(folder)) for name in names]


def _line(name: str, quick: bool, folder: Path) -> dict[str, Any]:
    data, labels = (_photos if name == "cnn" else _texts)(folder / name)
    cores = os.cpu_count() or 2

    def fit(processes: int, precision: str, epochs: int = 3, threads: int = 0) -> Fitted:
        threads = threads or max(1, cores // processes)
        return _fit(data, labels, name, processes, precision, epochs, threads)

    def epoch(processes: int, precision: str) -> Fitted:
        """Time an epoch: three less one, so that starting is not in it."""
        one, three = (fit(processes, precision, epochs) for epochs in (1, 3))
        return Fitted(three.losses, (three.seconds - one.seconds) / 2)

    timed = "64-true" if quick else "32-true"
    rounds = [(epoch(2, timed), epoch(1, timed)) for _ in range(1 if quick else 2)]
    if quick:
        double = _apart(*rounds[0])
        note = f"largest difference {double:.1e} in double precision; times are in that, too"
    else:
        double = _apart(fit(2, "64-true"), fit(1, "64-true"))
        single = _apart(*rounds[0])
        rounding = _apart(fit(1, timed, threads=1), rounds[0][1])
        note = (
            f"largest difference {double:.1e} in double precision; {single:.1e} in single, in "
            f"which one process with {cores} threads differs by {rounding:.1e} from one with 1"
        )
    ratios = [one.seconds / two.seconds for two, one in rounds]
    return {
        "name": f"two processes fit {name}: an epoch of one process over theirs",
        "ours_s": median(two.seconds for two, _ in rounds),
        "plain_s": median(one.seconds for _, one in rounds),
        "ratio": median(ratios),
        "spread": [min(ratios), max(ratios)] if len(ratios) > 1 else None,
        "target": f"losses within {TOLERANCE:g} of one process's",
        "met": double <= TOLERANCE,
        "ours_mb": None,
        "plain_mb": None,
        "note": note,
    }


def _fit(
    data: Any,
    labels: np.ndarray,
    name: str,
    processes: int,
    precision: str,
    epochs: int,
    threads: int,
) -> Fitted:
    """Fit with so many threads in each process."""
    trainer = {
        "accelerator": "cpu", "precision": precision, "workers": 0, "devices": processes,
        "nodes": 1,
    }  # fmt: skip
    spec = SPEC | {"lr": RATES[name], "epochs": epochs, "patience": epochs}
    encoder = NetworkEncoder(data, labels, CLASSES, spec, trainer, 7, name)
    rows, before = np.arange(TRAIN + VAL), torch.get_num_threads()
    torch.set_num_threads(threads)
    start = time.perf_counter()
    with patch.dict(os.environ, {"OMP_NUM_THREADS": str(threads)}):
        _, curves = encoder.fit(rows[:TRAIN], rows[TRAIN:], 0)
    seconds = time.perf_counter() - start
    torch.set_num_threads(before)
    return Fitted(curves[["train_loss", "val_loss"]].to_numpy(), seconds)


def _apart(one: Fitted, other: Fitted) -> float:
    """The largest difference of two fits' losses on train and val, over all epochs."""
    return float(np.abs(one.losses - other.losses).max())


def _photos(folder: Path) -> tuple[Photos, np.ndarray]:
    """Noise that is brighter the higher the class."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    labels = rng.choice(CLASSES, TRAIN + VAL, p=_shares())
    photos = rng.integers(0, 128, (len(labels), 64, 64, 3), np.uint8)
    np.save(folder / "photos.npy", photos + (labels * 12)[:, None, None, None].astype(np.uint8))
    about = {"network": "plain_cnn", "weights": "random", **IMAGENET_NORM}
    write_json(folder / "source.json", about)
    table = pd.DataFrame({"photo_row": np.arange(len(labels)), "group": "x"})
    return Photos(table, folder, folder, SPEC), labels


def _texts(folder: Path) -> tuple[Texts, np.ndarray]:
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
    table["id"], table["part"] = table.index.astype(str), "train"
    weights, tokens = folder / "weights", folder / "tokens"
    entry = {"network": "cointegrated/rubert-tiny2", "weights": "random"}
    fetch_weights("text", "rubert_tiny2", {"offline": entry}, "offline", weights)
    shape = read_json(weights / "config.json")
    nothing = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    write_json(weights / "config.json", shape | nothing)
    tokenize(table, weights, tokens)
    return Texts(table, tokens, weights, SPEC), labels


def _shares() -> np.ndarray:
    """Unbalanced classes, so that the weights of shares differ."""
    shares = 0.7 ** np.arange(CLASSES)
    return shares / shares.sum()


if __name__ == "__main__":
    main()
