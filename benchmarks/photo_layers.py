"""What an earlier layer, mirrored photos and a second network give the row of photos.

    python -m benchmarks.photo_layers FOLDER --networks tf_efficientnet_lite2:260

FOLDER is a clone in which a run with `prepare.split=folds` has finished. Every network reads photos
of the size after the colon. Its features are judged under the project's kernel machine in the folds
of that run; then the networks' log-probabilities are stacked.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import timm
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor

from src.core.listings import labels_of
from src.encoders.common.heads import KernelHead
from src.encoders.common.kernel import KernelRidgeClassifier
from src.encoders.weights.backbone import normalisation
from src.encoders.weights.fetch import IMAGE_PACKAGES, lite_state
from src.fusion.conditional_logit import ConditionalLogit

GAMMA, PENALTY = 2.0, 0.15
BATCH = 32
# The block whose maps are averaged beside the last layer's.
BLOCK = 5


class Said(NamedTuple):
    """Log-probabilities [N, C]: by a fit on the other folds, and left out of each of these fits."""

    tested: NDArray[np.float64]
    left_out: list[NDArray[np.float64]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--networks", nargs="+", default=["tf_efficientnet_lite2:260"])
    options.add_argument("--listings", type=int, help="only so many, for a trial")
    given = options.parse_args()
    table = pd.read_parquet(given.folder / "data" / "prepared" / "listings.parquet")
    table = table[table["photo_row"] >= 0].head(given.listings)
    photos = np.load(given.folder / "data" / "packed" / "photos.npy", mmap_mode="r")
    photos = photos[table["photo_row"].to_numpy()]
    rows = []
    for named in given.networks:
        network, pixels = named.split(":")
        plain, mirrored = (features(network, int(pixels), photos, flip) for flip in (False, True))
        both = tuple((x + y) / 2 for x, y in zip(plain, mirrored, strict=True))
        tried = {
            "last layer": plain[:1],
            "and mirrored": both[:1],
            f"and block {BLOCK}": plain,
            f"and mirrored, and block {BLOCK}": both,
        }
        for name, blocks in tried.items():
            said = judged(table, blocks)
            show(f"{named}, {name}", table, said.tested)
        rows.append(said)
    if len(rows) > 1:
        show("the last of each stacked", table, stacked(table, rows))


@torch.inference_mode()
def features(
    network: str, pixels: int, photos: NDArray[np.uint8], mirrored: bool
) -> tuple[Tensor, Tensor]:
    """Return the last layer and an earlier block of N photos, averaged over the map, [N, D]."""
    package = IMAGE_PACKAGES[network]
    found = find_spec(package.module)
    assert found is not None and found.origin is not None
    model = timm.create_model(network).eval()
    model.load_state_dict(lite_state(network, Path(found.origin).parent / package.path))
    norm = normalisation(network)
    mean, std = (torch.tensor(norm[name]).view(1, 3, 1, 1) * 255 for name in ("mean", "std"))
    rows = []
    for at in range(0, len(photos), BATCH):
        x = torch.from_numpy(photos[at : at + BATCH]).permute(0, 3, 1, 2).float()
        x = torch.nn.functional.interpolate(x, (pixels, pixels), mode="bilinear", antialias=True)
        x = model.bn1(model.conv_stem((x.flip(-1) if mirrored else x).sub(mean).div(std)))
        for number, block in enumerate(model.blocks):
            x = block(x)
            if number == BLOCK:
                earlier = x.mean((2, 3))
        rows.append((model.bn2(model.conv_head(x)).mean((2, 3)), earlier))
    last, block = (torch.cat(part) for part in zip(*rows, strict=True))
    return last, block


def judged(table: pd.DataFrame, blocks: tuple[Tensor, ...]) -> Said:
    """Fit on all folds but one, on the product of the blocks' kernels, and score that one."""
    classes, labels = labels_of(table)
    groups = table["group"].to_numpy(dtype=str)
    said = Said(np.zeros((len(table), len(classes))), [])
    for rest, test in rounds(table):
        kernel, tested = np.ones(()), np.ones(())
        for x in blocks:
            head = KernelHead(x.shape[1], len(classes), GAMMA / len(blocks))
            kernel = kernel * head.set_landmarks(x[rest], np.arange(len(rest)))
            tested = tested * head.kernel(x[test]).double().numpy()
        model = KernelRidgeClassifier(PENALTY, class_weight="balanced")
        model.fit(kernel, labels[rest], groups=groups[rest], classes=np.arange(len(classes)))
        scale = model.temperature_
        said.tested[test] = log_softmax(scale * model.decision_function(tested), axis=1)
        said.left_out.append(log_softmax(scale * model.left_out_, axis=1))
    return said


def stacked(table: pd.DataFrame, rows: list[Said]) -> NDArray[np.float64]:
    """Weigh the log-probabilities of rows, [N, C], fitted on those that were left out."""
    classes, labels = labels_of(table)
    probs = np.zeros((len(table), len(classes)))
    for number, (rest, test) in enumerate(rounds(table)):
        model = ConditionalLogit(len(classes), penalty=0.003)
        model.fit(np.hstack([row.left_out[number] for row in rows]), labels[rest])
        probs[test] = model.predict_proba(np.hstack([row.tested[test] for row in rows]))
    return probs


def rounds(table: pd.DataFrame) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the rows to fit on and the rows to test of each fold."""
    fold = table["fold"].to_numpy()
    for k in range(fold.max() + 1):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def show(name: str, table: pd.DataFrame, scores: NDArray[np.float64]) -> None:
    _, labels = labels_of(table)
    best = scores.argmax(1)
    f1 = f1_score(labels, best, average="macro")
    print(f"{name}: macro F1 {f1:.4f}, accuracy {accuracy_score(labels, best):.4f}", flush=True)


if __name__ == "__main__":
    main()
