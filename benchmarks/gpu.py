"""Fitting ResNet50 on a GPU, against the bare steps of the same network on data in its memory.

python -m benchmarks.gpu [--quick]
"""

from __future__ import annotations

import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import timm
import torch
from torch import nn

from src.core.files import write_json
from src.core.params import all_params
from src.encoders.common.encoder import FitPlan
from src.encoders.common.fine_tune import FineTune
from src.encoders.image.data import ImageData
from src.encoders.weights.fetch import IMAGENET_NORM

CLASSES = 17
TARGET = 0.9


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    given = parser.parse_args()
    if given.device == "cuda":
        lines = run(given.quick)
    else:
        # Not a result: it shows without a GPU that all of this runs.
        lines = [measured("cpu", "test_resnet", size=64, batch=16, steps=8, repetitions=2)]
    for line in lines:
        print(line)


def run(quick: bool) -> list[dict[str, Any]]:
    """One line: images per second of our training over those of the bare steps."""
    if not torch.cuda.is_available():
        name = "training ResNet50 at 224 px on a GPU: images/s over those of bare steps"
        return [_line(name, None, None, None, None, "not measured: no GPU here")]
    steps, repetitions = (16, 2) if quick else (48, 5)
    return [measured("cuda", "resnet50", 224, 128, steps, repetitions)]


def measured(
    device: str, network: str, size: int, batch: int, steps: int, repetitions: int
) -> dict[str, Any]:
    """Time a step of both, by turns.

    Args:
        steps: of an epoch; ours are three epochs less one, so that starting is not in it.
    """
    ours, plain, peaks = [], [], {}
    with tempfile.TemporaryDirectory() as folder:
        encoder = _encoder(device, network, size, batch, steps, Path(folder))
        bare = _bare_steps(device, network, size, batch)
        _fit(encoder, batch)
        bare(steps)
        for _ in range(repetitions):
            peaks["ours"] = _with_peak(device, lambda: ours.append(_our_step(encoder, steps)))
            peaks["plain"] = _with_peak(device, lambda: plain.append(bare(2 * steps)))
    ratios = [p / o for p, o in zip(plain, ours, strict=True)]
    where = torch.cuda.get_device_name() if device == "cuda" else "no GPU: only shows that it runs"
    return _line(
        f"training {network} at {size} px, batch {batch}: images/s over those of bare steps",
        median(ours),
        median(plain),
        ratios,
        peaks if device == "cuda" else None,
        f"{where}; bf16-mixed; {batch / median(ours):.0f} and {batch / median(plain):.0f} "
        "images/s, ours deterministic; memory is the GPU's",
    )


def _our_step(encoder: FineTune, steps: int) -> float:
    seconds = []
    for epochs in (1, 3):
        epochs_only = {"epochs": epochs, "patience": epochs}
        encoder.settings = encoder.settings.model_copy(update=epochs_only)
        start = time.perf_counter()
        _fit(encoder, encoder.settings.batch)
        seconds.append(time.perf_counter() - start)
    return (seconds[1] - seconds[0]) / (2 * steps)


def _fit(encoder: FineTune, batch: int) -> None:
    """Fit on all but half a batch, and judge on that half."""
    everything = np.arange(len(encoder.rows))
    plan = FitPlan(encoder.seed, encoder.name, val=everything[: batch // 2])
    encoder.fit(everything[batch // 2 :], plan)


def _encoder(
    device: str, network: str, size: int, batch: int, steps: int, folder: Path
) -> FineTune:
    """Our path: photos in a packed file, their array mapped, cut into batches."""
    n = batch * steps + batch // 2
    rng = np.random.default_rng(0)
    photos = np.lib.format.open_memmap(
        folder / "photos.npy", mode="w+", dtype=np.uint8, shape=(n, size, size, 3)
    )
    for photo in photos:
        photo[:] = rng.integers(0, 256, photo.shape, np.uint8)
    photos.flush()
    about = {"network": network, "weights": "random", **IMAGENET_NORM}
    write_json(folder / "source.json", about)
    table = pd.DataFrame({"photo_row": np.arange(n), "group": np.arange(n).astype(str)})
    params = all_params()
    settings: Any = params.image_models["resnet50"].model_copy(
        update={"pixels": size, "batch": batch}
    )
    cuda = device == "cuda"
    trainer = params.trainer.model_copy(
        update={
            "accelerator": "gpu" if cuda else "cpu",
            "precision": "bf16-mixed",
            "workers": 8 if cuda else 0,
        }
    )
    labels = rng.integers(0, CLASSES, n)
    data = ImageData(table, folder, folder, settings)
    names = [f"c{number}" for number in range(CLASSES)]
    return FineTune(data, labels, names, settings, trainer, 7, network)


def _bare_steps(device: str, network: str, size: int, batch: int) -> Callable[[int], float]:
    """Return what makes so many steps on one batch that never leaves the device: seconds a step."""
    torch.manual_seed(7)
    model = timm.create_model(network, num_classes=CLASSES)
    model = model.to(device).to(memory_format=torch.channels_last).train()
    x = torch.randn(batch, 3, size, size, device=device).to(memory_format=torch.channels_last)
    y = torch.randint(0, CLASSES, (batch,), device=device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.001)

    def bare(steps: int) -> float:
        # As fast as it can be: without the repeatable algorithms that ours asks for.
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.benchmark = True
        for step in range(steps + 3):
            if step == 3:
                _wait(device)
                start = time.perf_counter()
            optimizer.zero_grad()
            with torch.autocast(device, torch.bfloat16):
                loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        _wait(device)
        return (time.perf_counter() - start) / steps

    return bare


def _with_peak(device: str, work: Callable[[], None]) -> float:
    """Do the work; return its peak of the GPU's memory in MB."""
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    work()
    return torch.cuda.max_memory_allocated() / 1e6 if device == "cuda" else 0.0


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _line(
    name: str,
    ours: float | None,
    plain: float | None,
    ratios: list[float] | None,
    peaks: dict[str, float] | None,
    note: str,
) -> dict[str, Any]:
    ratio = median(ratios) if ratios else None
    return {
        "name": name,
        "ours_s": ours,
        "plain_s": plain,
        "ratio": ratio,
        "spread": [min(ratios), max(ratios)] if ratios else None,
        "target": f"at least {TARGET}",
        "met": None if ratio is None else ratio >= TARGET,
        "ours_mb": peaks["ours"] if peaks else None,
        "plain_mb": peaks["plain"] if peaks else None,
        "note": note,
    }


if __name__ == "__main__":
    main()
