"""Reading while training: the packed array against files, and the loop around the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.bounds import copying, share
from benchmarks.compare import Compared, compare
from benchmarks.lines import Line, line
from benchmarks.made_photos import make_photos
from src.core.files import write_json
from src.core.params import all_params
from src.core.schema import TrainedImage, Trainer
from src.encoders.common.batches import TrainBatches
from src.encoders.common.encoder import FitPlan
from src.encoders.common.fine_tune import FineTune
from src.encoders.common.heads import Head
from src.encoders.common.linear_probe import LinearProbe
from src.encoders.common.loading import ListingRows, make_loader
from src.encoders.common.network_classifier import NetworkClassifier
from src.encoders.image.data import ImageData
from src.prepare.pack import pack_photos

CLASSES = 17
SIZE = 160
NAMES = [f"c{number}" for number in range(CLASSES)]


def run(quick: bool) -> list[Line]:
    with TemporaryDirectory() as folder:
        return [*_epochs(Path(folder), quick), *_loops(Path(folder), quick)]


def _epochs(folder: Path, quick: bool) -> list[Line]:
    lines = []
    for side, count in ((320, 256),) if quick else ((320, 1024), (1280, 64)):
        files = make_photos(folder / str(side), count, side)
        compared = compare(
            (epoch_of_packed, {"files": files}),
            (epoch_of_files, {"files": files}),
            rounds=3 if quick else 5,
        )
        milliseconds = [1000 * s / len(files) for s in (compared.ours_s, compared.plain_s)]
        lines.append(
            line(
                f"reading: an epoch of {side} px photos at {SIZE} px",
                compared,
                at_least=20,
                bound=share(
                    "copying memory", len(files) * 3 * SIZE**2 / copying(), compared.ours_s
                ),
                note=f"{milliseconds[0]:.3f} against {milliseconds[1]:.2f} ms a photo, "
                "batches of 32 in random order, no workers",
            )
        )
    return lines


def epoch_of_packed(files: list[Path]) -> Callable[[], int]:
    """Ours: batches from the memory-mapped array."""
    data = packed(files, "plain_cnn", settings_of(1))
    labels = np.arange(len(files)) % CLASSES
    batches = TrainBatches(labels, 32, seed=7)
    loader = make_loader(ListingRows(data, labels, data.rows, seed=7), batches)
    return lambda: sum(len(x) for x, _ in loader)


def epoch_of_files(files: list[Path]) -> Callable[[], int]:
    """Plain: every photo is decoded, converted and resized each epoch, and batches collated."""
    loader = DataLoader(_Files(files), batch_size=32, shuffle=True)
    return lambda: sum(len(x) for x, _ in loader)


class _Files(Dataset[tuple[Tensor, int]]):
    def __init__(self, files: list[Path]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        photo = Image.open(self.files[row]).convert("RGB").resize((SIZE, SIZE))
        return torch.from_numpy(np.array(photo)), row % CLASSES


def packed(files: list[Path], network: str, settings: TrainedImage) -> ImageData:
    """The photos as the stages before training leave them; random first weights."""
    folder = files[0].parent
    n = len(files)
    table = pd.DataFrame({"id": [f.stem for f in files], "photo": [f.name for f in files]})
    if not (folder / "packed").exists():
        pack_photos(table, folder, folder / "packed", SIZE)
    table = table.assign(photo_row=np.arange(n), group=table["id"])
    weights = folder / network
    weights.mkdir(exist_ok=True)
    source = {"network": network, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    write_json(weights / "source.json", source)
    return ImageData(table, folder / "packed", weights, settings)


def _loops(folder: Path, quick: bool) -> list[Line]:
    files = make_photos(folder / "loop", 384, 160)
    lines = []
    # Rows to fit on, epochs and rounds; starting a fit is part of it.
    loops = [("plain_cnn", 288, 2, 3)]
    if not quick:
        loops = [("plain_cnn", 288, 12, 3), ("resnet50", 288, 2, 3)]
    for network, rows, epochs, rounds in loops:
        given = {"files": files, "network": network, "rows": rows, "epochs": epochs}
        compared = compare((fitted, given), (bare, given), rounds)
        steps = epochs * -(-rows // 32)
        lines.append(_overhead(f"loop: {network}, 64 px, batch 32", compared, steps))
    if quick:
        return lines
    rows, epochs = 600, 40
    given = {"rows": rows, "epochs": epochs}
    compared = compare((fitted_head, given), (bare_head, given), rounds=9)
    steps = epochs * -(-rows // 64)
    lines.append(_overhead("loop: head on 1280 frozen features, batch 64", compared, steps))
    return lines


def _overhead(name: str, compared: Compared, steps: int) -> Line:
    each = [1000 * s / steps for s in (compared.ours_s, compared.plain_s)]
    note = f"{each[0]:.2f} against {each[1]:.2f} ms a step, epochs judged on val in both"
    return line(name, compared, at_most=1.05, note=note)


def fitted(files: list[Path], network: str, rows: int, epochs: int) -> Callable[[], None]:
    """Ours: a network as the training stage fits it, photos from the packed array."""
    settings = settings_of(epochs)
    labels = np.arange(len(files)) % CLASSES
    data = packed(files, network, settings)
    encoder = FineTune(data, labels, NAMES, settings, on_a_cpu(), 7, network)
    train, val = _parts(rows)

    def fit() -> None:
        encoder.fit(train, FitPlan(7, encoder.name, val))

    return fit


def bare(files: list[Path], network: str, rows: int, epochs: int) -> Callable[[], None]:
    """Plain: forward, loss, backward, step and schedule over batches that are in memory."""
    settings = settings_of(epochs)
    data = packed(files, network, settings)
    labels = torch.arange(len(files)) % CLASSES
    train, val = _parts(rows)
    batches = [(data.batch(part), labels[part]) for part in np.split(train, range(32, rows, 32))]
    held = [data.batch(part) for part in np.split(val, range(32, len(val), 32))]
    return lambda: _bare_loop(data.start(NAMES).network, batches, held, settings)


def fitted_head(rows: int, epochs: int) -> Callable[[], None]:
    """Ours: only the head, on features that are computed already."""
    settings = settings_of(epochs, tune="head", batch=64)
    x, labels = _features(rows)
    data: Any = _HeadOnly(len(x))
    encoder = LinearProbe(data, labels.numpy(), NAMES, settings, on_a_cpu(), 7, "head")
    encoder.frozen.computed = [x]
    train, val = _parts(rows)

    def fit() -> None:
        encoder.fit(train, FitPlan(7, encoder.name, val))

    return fit


def bare_head(rows: int, epochs: int) -> Callable[[], None]:
    """Plain: the same head in a bare loop."""
    settings = settings_of(epochs)
    x, labels = _features(rows)
    batches = list(zip(x[:rows].split(64), labels[:rows].split(64), strict=True))
    return lambda: _bare_loop(Head(x.shape[1], CLASSES, 0.2), batches, [x[rows:]], settings)


def _bare_loop(
    network: nn.Module,
    batches: list[tuple[Tensor, Tensor]],
    held: list[Tensor],
    settings: TrainedImage,
) -> None:
    # As in ours, so that nothing but the loop differs.
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=settings.lr, total_steps=settings.epochs * len(batches)
    )
    weights = torch.ones(CLASSES)
    for _ in range(settings.epochs):
        network.train()
        for x, y in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x), y, weight=weights).backward()
            optimizer.step()
            schedule.step()
        network.eval()
        with torch.inference_mode():
            for x in held:
                network(x)


class _HeadOnly:
    """A modality that has nothing to read."""

    lengths = None
    views = 0

    def __init__(self, n: int) -> None:
        self.rows = np.arange(n)

    def start(self, classes: Sequence[str]) -> NetworkClassifier:
        network = nn.Module()
        network.head = Head(1280, len(classes), 0.2)
        return NetworkClassifier(network, classes)


def settings_of(epochs: int, **changes: Any) -> TrainedImage:
    """Return the settings of the default rows for so many epochs."""
    settings: Any = (
        all_params()
        .image_models["resnet50"]
        .model_copy(update={"epochs": epochs, "patience": epochs} | changes)
    )
    return settings


def on_a_cpu() -> Trainer:
    return all_params().trainer.model_copy(update={"accelerator": "cpu"})


def _parts(rows: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions to fit on, and a third as many to judge on."""
    return np.arange(rows), np.arange(rows, rows + rows // 3)


def _features(rows: int) -> tuple[Tensor, Tensor]:
    """Features that tell the classes apart, [N, 1280], and the classes, [N]."""
    generator = torch.Generator().manual_seed(7)
    n = rows + rows // 3
    labels = torch.arange(n) % CLASSES
    return torch.randn(n, 1280, generator=generator) + 2 * torch.eye(CLASSES, 1280)[labels], labels
