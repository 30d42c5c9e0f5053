"""Measure which trainer.precision and trainer.features are fastest on this machine.

`python -m src.encoders.tune [row …]` prints the lines to put into params.yaml and writes nothing.
"""

from __future__ import annotations

import math
import time
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from src.core.errors import UserError, run_command
from src.core.listings import PREPARED, labels_of, read_listings
from src.core.params import all_params
from src.core.schema import (
    KernelImage,
    KernelText,
    Params,
    Tfidf,
    TrainedImage,
    TrainedText,
    Trainer,
)
from src.encoders.common.backends import (
    BACKENDS,
    COMPARED,
    LARGEST_INEXACTNESS,
    inexactness,
    make_backend,
)
from src.encoders.common.batches import TrainBatches
from src.encoders.common.features import device_of, gather, some_batches
from src.encoders.common.loading import ListingRows, NetworkData, make_loader, ordered_loader
from src.encoders.common.network_classifier import Batch, features_of, to_device
from src.encoders.image.data import ImageData
from src.encoders.text.data import TextData

# Another choice must be this much faster: a smaller gain may be chance, and is not worth rounding.
WORTH_IT = 1.3
# Training is timed on so many batches, for so many seconds at least.
TIMED_BATCHES, TIMED_S = 4, 1.0
# What autocast multiplies in for each precision of training.
AUTOCAST = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


@dataclass(frozen=True)
class Job:
    """What one row computes.

    Attributes:
        labels: of the listings that it reads, [N].
    """

    row: str
    data: NetworkData
    labels: NDArray[np.int64]
    classes: list[str]
    settings: TrainedImage | TrainedText | KernelImage | KernelText

    @property
    def frozen(self) -> bool:
        """Whether the row computes frozen features; else it trains the whole network."""
        return self.settings.tune != "full"

    @property
    def listings(self) -> int:
        """How many listings pass through the network, counted each time."""
        if isinstance(self.settings, KernelImage | KernelText):
            return len(self.labels)
        if self.frozen:
            return len(self.labels) * (1 + self.data.views)
        # On train, on train and val, and without each fold.
        return len(self.labels) * self.settings.epochs * (2 + self.settings.folds)


@dataclass(frozen=True)
class Measurement:
    """How fast one choice is for one row.

    Attributes:
        rate: listings per second.
        setup_s: seconds before the first listing.
        inexactness: how far the features are from float32, see `backends.inexactness`.
    """

    rate: float
    setup_s: float = 0.0
    inexactness: float = 0.0


def main() -> None:
    parser = ArgumentParser("python -m src.encoders.tune", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help="default: the rows of params.yaml")
    given = parser.parse_args().rows
    params = all_params()
    jobs = find_jobs(params, given or [*params.rows.image, *params.rows.text], Path("data"))
    chosen = tune(jobs, params.trainer)
    print("put into params.yaml:\ntrainer:")
    for name, value in chosen.items():
        print(f"  {name}: {value}")


def find_jobs(params: Params, rows: Sequence[str], data: Path) -> list[Job]:
    """Return what rows compute, without TF-IDF rows, which have no such choices.

    Raises:
        UserError: params.yaml has no such row, or the stages before it have not run.
    """
    known = {**params.image_models, **params.text_models}
    for row in rows:
        if row not in known:
            raise UserError(f"{row} is not a row of params.yaml; expected {', '.join(known)}")
    table = read_listings(_computed(data / "prepared" / "listings.parquet"), PREPARED)
    classes, labels = labels_of(table)
    jobs = []
    for row in rows:
        settings = known[row]
        if isinstance(settings, Tfidf):
            continue
        weights = _computed(data / "weights" / row)
        listings: NetworkData
        if isinstance(settings, TrainedImage | KernelImage):
            listings = ImageData(table, _computed(data / "packed"), weights, settings)
        else:
            listings = TextData(table, _computed(data / "tokens" / row), weights, settings)
        jobs.append(Job(row, listings, labels[listings.rows], classes.tolist(), settings))
    return jobs


def tune(jobs: Sequence[Job], trainer: Trainer) -> dict[str, str]:
    """Measure and print every choice for every job.

    Returns:
        What to set: precision and features, each as in `trainer` if no job depends on it.
    """
    device = device_of(trainer)
    cuda = device.type == "cuda"
    print(torch.cuda.get_device_name() if cuda else f"CPU, {torch.get_num_threads()} threads")
    # On a CPU Lightning uses bfloat16 where float16 is asked for.
    precisions = tuple(name for name in AUTOCAST if cuda or name != "16-mixed")
    choices = {"precision": precisions, "features": BACKENDS}
    seconds = {kind: dict.fromkeys(names, 0.0) for kind, names in choices.items()}
    todo = [
        (job, kind, choice)
        for job in jobs
        for kind in ("features" if job.frozen else "precision",)
        for choice in choices[kind]
    ]
    for job, kind, choice in tqdm(todo, unit="measurement", disable=None):
        what = f"{job.row}, {kind} {choice}"
        measure = time_features if job.frozen else time_training
        try:
            found = measure(job, choice, device)
        except (RuntimeError, UserError) as error:
            seconds[kind][choice] = math.inf
            reason = str(error).splitlines()[0]
            tqdm.write(f"{what}: cannot be used: {type(error).__name__}: {reason}")
            continue
        seconds[kind][choice] += found.setup_s + job.listings / found.rate
        if not found.inexactness <= LARGEST_INEXACTNESS:
            seconds[kind][choice] = math.inf
        inexact = f", inexactness {found.inexactness:.2g}" if job.frozen else ""
        tqdm.write(f"{what}: {found.rate:.1f} listings/s after {found.setup_s:.1f} s{inexact}")
    return {
        kind: fastest(seconds[kind])
        if any(kind == measured for _, measured, _ in todo)
        else str(getattr(trainer, kind))
        for kind in choices
    }


def fastest(seconds: Mapping[str, float]) -> str:
    """Return the choice that takes the fewest seconds; the first, which is exact, if in doubt."""
    first = next(iter(seconds))
    best = min(seconds, key=lambda choice: seconds[choice])
    return best if seconds[first] > WORTH_IT * seconds[best] else first


def time_training(job: Job, precision: str, device: torch.device) -> Measurement:
    """Time steps of training, without those of the optimizer."""
    network = job.data.start(job.classes).network.to(device).train()
    rows = np.arange(len(job.labels))
    batches = TrainBatches(job.labels, job.settings.batch, seed=0, lengths=job.data.lengths)
    loader = make_loader(ListingRows(job.data, job.labels, rows, seed=0), batches)
    steps = [(to_device(x, device), y.to(device)) for x, y in islice(loader, TIMED_BATCHES)]
    dtype = AUTOCAST[precision]

    def step(x: Batch, y: Tensor) -> None:
        with torch.autocast(device.type, dtype, enabled=dtype is not None):
            loss = nn.functional.cross_entropy(network(x), y)
        loss.backward()
        network.zero_grad()

    started = _now()
    step(*steps[0])
    setup_s = _now() - started
    done, listings, started = 0, 0, _now()
    while done < TIMED_BATCHES or _now() - started < TIMED_S:
        x, y = steps[done % len(steps)]
        step(x, y)
        done, listings = done + 1, listings + len(y)
    return Measurement(listings / (_now() - started), setup_s)


def time_features(job: Job, backend: str, device: torch.device) -> Measurement:
    """Time features of COMPARED listings, and compare them with float32."""
    network = job.data.start(job.classes).network.to(device).eval()
    rows = np.arange(len(job.labels))[:COMPARED]
    batch = job.settings.batch
    started = _now()
    extract = make_backend(backend, network, job.data.converted, device)
    loader, order = ordered_loader(ListingRows(job.data, job.labels, rows), batch, workers=0)
    # Once before it is timed: a backend may compile at its first batch.
    extract(next(iter(loader))[0])
    setup_s = _now() - started
    started = _now()
    found = gather((extract(batch) for batch, _ in loader), order, job.row)
    seconds = _now() - started
    if backend == "torch":
        return Measurement(len(rows) / seconds, setup_s)
    examples = some_batches(job.data, rows, batch)
    exact = torch.cat([features_of(network, example, device) for example in examples])
    return Measurement(len(rows) / seconds, setup_s, inexactness(found, exact))


def _computed(path: Path) -> Path:
    if not path.exists():
        raise UserError(f"{path} is missing; run `dvc repro` first")
    return path


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    run_command(main)
