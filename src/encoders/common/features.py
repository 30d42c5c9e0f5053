"""Frozen features: computed once by a backbone that no fit changes, then used by every fold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from src.core.cluster import gpus_on_ray, on_ray, ray_session
from src.core.parallel import processors
from src.core.schema import NetworkSettings, Trainer
from src.encoders.common.backends import (
    COMPARED,
    Extract,
    in_float32,
    make_backend,
    require_exact,
)
from src.encoders.common.converted import read_converted
from src.encoders.common.loading import ListingRows, NetworkData, ordered_loader
from src.encoders.common.network_classifier import Batch
from src.encoders.common.processes import gpu_count

# Turns batches into features [B, D] of each.
ExtractAll = Callable[[Iterable[Batch]], Iterable[Tensor]]


class FrozenFeatures:
    """Features of all listings that a row reads, [N, D], and of random views of them.

    Attributes:
        computed: the features so far; those of an earlier run may be put here.
    """

    def __init__(
        self,
        data: NetworkData,
        labels: NDArray[np.int64],
        settings: NetworkSettings,
        trainer: Trainer,
        seed: int,
        name: str,
    ) -> None:
        self.data, self.labels, self.settings, self.trainer = data, labels, settings, trainer
        self.seed, self.name = seed, name
        self.computed: list[Tensor] = []

    def of(self, network: nn.Module, views: int = 0) -> list[Tensor]:
        """Return features of the listings as they are, then of each of the random views.

        Args:
            network: computes them at the first call; later calls return the same features.
        """
        missing = range(len(self.computed), views + 1)
        if missing:
            rows = np.arange(len(self.labels))
            device = device_of(self.trainer)
            network.to(device).eval()
            backend, converted = self.trainer.features, self.data.converted
            extract = make_backend(backend, network, converted, device)
            if (exact := in_float32(backend)) != backend:
                examples = some_batches(self.data, rows[:COMPARED], self.settings.batch)
                as_is = make_backend(exact, network, converted, device)
                require_exact(backend, extract, as_is, examples)
            with self._on_engine(network, extract) as extracted:
                for view in missing:
                    seed = self.seed if view else None
                    listings = ListingRows(self.data, self.labels, rows, seed, view)
                    workers = self.trainer.workers
                    loader, order = ordered_loader(listings, self.settings.batch, workers)
                    found = extracted(batch for batch, _ in loader)
                    self.computed.append(gather(found, order, self.name))
        return self.computed

    @contextmanager
    def _on_engine(self, network: nn.Module, extract: Extract) -> Iterator[ExtractAll]:
        """Yield what turns batches into features: here by `extract`, or on a cluster by the same
        batches and as many threads, so that equal machines give the same bytes.
        """
        if self.trainer.engine == "local":
            yield partial(map, extract)
            return
        converted = self.data.converted
        files = {} if converted is None else read_converted(converted)
        threads = torch.get_num_threads()
        make = partial(_backend_of_a_worker, self.trainer, network.cpu(), files, threads)
        with ray_session():
            on_gpus = self.trainer.accelerator != "cpu" and gpus_on_ray() > 0
            yield partial(on_ray, make, cpus=1 if on_gpus else processors(), gpus=int(on_gpus))

    @property
    def plain(self) -> Tensor:
        """Features of the listings as they are, [N, D]."""
        return self.computed[0]


def some_batches(data: NetworkData, rows: NDArray[np.intp], size: int) -> Iterator[Batch]:
    """Yield these rows in batches, for comparing backends."""
    for at in range(0, len(rows), size):
        yield data.batch(rows[at : at + size])


def gather(batches: Iterable[Tensor], order: NDArray[np.intp], name: str) -> Tensor:
    """Return features [N, D] that come in batches, in some order [N] of the listings."""
    found: Tensor | None = None
    done = 0
    with tqdm(total=len(order), desc=f"{name}, features", unit="listing", disable=None) as bar:
        for x in batches:
            if found is None:
                found = torch.empty(len(order), x.shape[1])
            found[order[done : done + len(x)]] = x
            done += len(x)
            bar.update(len(x))
    assert found is not None
    return found


def _backend_of_a_worker(
    trainer: Trainer, network: nn.Module, files: dict[str, bytes], threads: int
) -> Extract:
    """Return what computes features in a worker process.

    Args:
        files: of the converted network; none where it is not converted.
        threads: of PyTorch on the machine of the command.
    """
    # A process that has worked with another number of them before would keep that.
    torch.set_num_threads(threads)
    device = device_of(trainer)
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        converted = Path(folder) if files else None
        return make_backend(trainer.features, network.to(device), converted, device)


def device_of(trainer: Trainer) -> torch.device:
    """Return where networks compute outside of training."""
    return torch.device("cuda" if gpu_count(trainer) else "cpu")
