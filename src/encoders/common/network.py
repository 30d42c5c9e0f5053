"""Fitting and scoring a network of any modality: whole, or only the head on frozen features."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from src.core.errors import UserError
from src.encoders.common.batches import OrderedBatches, TrainBatches
from src.encoders.common.heads import KernelHead
from src.encoders.common.inference import TRIED, extractor
from src.encoders.common.kernel import KernelFit, choose_landmarks, fit_kernel
from src.encoders.common.memory import keep_freed_memory
from src.encoders.common.precision import training_precision
from src.encoders.common.score import probs_of


class Data(Protocol):
    """What one modality has to offer: `src.encoders.image.data`, `src.encoders.text.data`."""

    rows: NDArray[np.intp]
    groups: NDArray[np.str_]
    augment: Any

    @property
    def lengths(self) -> NDArray[np.int64] | None: ...
    @property
    def what(self) -> str: ...

    def network(self, num_classes: int) -> nn.Module: ...
    def batch(self, rows: NDArray[np.intp]) -> Any: ...
    def varied_batch(self, rows: NDArray[np.intp], epochs: list[int], seed: int) -> Any: ...


class NetworkEncoder:
    """A network's part in `src.encoders.common.folds`; frozen features are computed once.

    `tune: full` fits the whole network; `tune: head` keeps the backbone as it is; `tune: kernel`
    puts a kernel machine on it, which is fitted in one step.
    """

    def __init__(
        self,
        data: Data,
        labels: NDArray[np.int64],
        num_classes: int,
        spec: dict[str, Any],
        trainer: dict[str, Any],
        seed: int,
        name: str,
    ) -> None:
        """Take a modality's rows and the label of every listing of the prepared table."""
        _check(spec)
        self.data, self.labels, self.num_classes = data, labels[data.rows], num_classes
        self.rows = data.rows
        self.frozen_features = spec["tune"] in ("head", "kernel")
        self.stops_early = spec["tune"] != "kernel"
        self.spec, self.trainer, self.seed, self.name = spec, trainer, seed, name
        cuda = trainer["accelerator"] != "cpu" and torch.cuda.is_available()
        self.device = torch.device("cuda" if cuda else "cpu")
        # How features were computed, and in which precision the network was fitted.
        self.used: dict[str, str] = {}
        self.frozen: Tensor | None = None
        self.views: list[Tensor] = []

    def fit(
        self, train: NDArray[np.intp], val: NDArray[np.intp], number: int
    ) -> tuple[nn.Module, pd.DataFrame]:
        """Fit encoder `number`: 0 on the whole train part, others without a fold."""
        torch.manual_seed(self.seed + number)
        name = f"{self.name}, fold {number}" if number else self.name
        network = self.data.network(self.num_classes)
        if self.spec["tune"] == "kernel":
            self.freeze(network)
            self.fit_kernel_head(network, train, choose_landmarks(len(train), self.seed))
            return network, pd.DataFrame()
        # Imported late: Lightning takes four seconds, and a kernel machine does without.
        from src.encoders.common.fit import fit

        batches = TrainBatches(
            self.labels[train],
            self.spec["batch"],
            self.seed + number,
            balanced=self.spec["imbalance"] == "sampler",
            lengths=None if self.data.lengths is None else self.data.lengths[train],
        )
        trainer = self.trainer | {"precision": self._precision(network, train)}
        if self.spec["tune"] == "head":
            # Done in a moment: more processes would only have to be started.
            trainer |= {"devices": 1, "nodes": 1}
        settings: Any = (self.labels[train], self.num_classes, self.spec, trainer, name)
        if self.spec["tune"] == "head":
            frozen = self.freeze(network)
            head: nn.Module = network.head  # type: ignore[assignment]
            features = _FeatureRows([frozen, *self.views], self.labels, train)
            judged = _FeatureRows([frozen], self.labels, val)
            ordered = OrderedBatches(len(val), 1024)
            loaders = _loader(features, batches), _loader(judged, ordered)
            return network, fit(head, *loaders, *settings)
        rows = _Rows(self.data, self.labels, train, self.seed)
        loader = _loader(rows, batches, self.trainer["workers"])
        if self.data.lengths is None:
            # Only where all batches are of one size: others would not fit into what is kept.
            keep_freed_memory()
        return network, fit(network, loader, self._ordered(val), *settings)

    def score(
        self, network: nn.Module, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return features [N, D] and probabilities [N, C] of the rows."""
        x = self.frozen[rows] if self.frozen is not None else self._extract(network, rows)
        return x.numpy(), probs_of(network, x)

    def freeze(self, network: nn.Module) -> Tensor:
        """Features of all rows from a backbone that stays as it is, [N, D]; computed once."""
        if self.frozen is None:
            everything = np.arange(len(self.labels))
            self.frozen = self._extract(network, everything)
            if self.data.augment is not None:
                for view in range(1, self.spec["views"] + 1):
                    self.views.append(self._extract(network, everything, view))
        return self.frozen

    def fit_kernel_head(
        self,
        network: nn.Module,
        train: NDArray[np.intp],
        landmarks: NDArray[np.intp],
        beside: NDArray[np.float64] | None = None,
    ) -> KernelFit:
        """Fit the network's head on the frozen features of N train rows.

        Args:
            landmarks: positions among the train rows, [M].
            beside: another kernel of the rows with the landmarks, [N, M], that has the share
                `words` of the sum.
        """
        assert self.frozen is not None
        head: KernelHead = network.head  # type: ignore[assignment]
        x = self.frozen[train]
        head.place_landmarks(x, landmarks)
        share = 1.0 if beside is None else 1 - self.spec["words"]
        kernel = head.kernel(x).double().numpy()
        kernel *= share
        if beside is not None:
            kernel += self.spec["words"] * beside
        balanced = self.spec["imbalance"] == "weights"
        fit = fit_kernel(
            kernel,
            kernel[landmarks],
            self.labels[train],
            self.data.groups[train],
            self.num_classes,
            self.spec["penalty"],
            balanced,
        )
        head.take(fit, share)
        return fit

    def _precision(self, network: nn.Module, train: NDArray[np.intp]) -> str:
        """Return the precision to fit in: a head alone is done in a moment and stays exact."""
        asked = self.trainer["precision"]
        if self.spec["tune"] == "head":
            return "32-true" if asked == "auto" else str(asked)
        tried = train[:TRIED]
        example = self.data.batch(tried), torch.from_numpy(self.labels[tried])
        rows = len(train) * self.spec["epochs"]
        chosen = training_precision(network, *example, rows, self.device, asked, self.data.what)
        self.used["training"] = chosen
        return chosen

    def _extract(self, network: nn.Module, rows: NDArray[np.intp], view: int = 0) -> Tensor:
        """Return features [N, D] of the rows, or of a random view of them."""
        network.to(self.device).eval()
        example = self.data.batch(rows[:TRIED])
        self.used["features"], extract = extractor(
            network, example, len(rows), self.device, self.trainer["precision"], self.data.what
        )
        loader = self._ordered(rows, view)
        found: Tensor | None = None
        bar = tqdm(total=len(rows), desc=f"{self.name}, features", unit="row", disable=None)
        order = loader.batch_sampler.order  # type: ignore[union-attr]
        done = 0
        for batch, _ in loader:
            x = extract(batch)
            if found is None:
                found = torch.empty(len(rows), x.shape[1])
            found[order[done : done + len(x)]] = x
            done += len(x)
            bar.update(len(x))
        bar.close()
        assert found is not None
        return found

    def _ordered(self, rows: NDArray[np.intp], view: int = 0) -> DataLoader[Any]:
        lengths = None if self.data.lengths is None else self.data.lengths[rows]
        plain = _Rows(self.data, self.labels, rows, self.seed if view else None, view)
        batches = OrderedBatches(len(rows), self.spec["batch"], lengths)
        return _loader(plain, batches, self.trainer["workers"])


class _Rows(Dataset[Any]):
    """Rows of a modality with their labels, read a batch at a time."""

    def __init__(
        self,
        data: Data,
        labels: NDArray[np.int64],
        rows: NDArray[np.intp],
        seed: int | None,
        view: int = 0,
    ) -> None:
        self.data, self.labels, self.rows, self.seed, self.view = data, labels, rows, seed, view

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, keys: list[tuple[int, int]]) -> tuple[Any, Tensor]:
        rows = self.rows[[row for _, row in keys]]
        y = torch.from_numpy(self.labels[rows])
        if self.seed is None:
            return self.data.batch(rows), y
        epochs = [epoch + self.view for epoch, _ in keys]
        return self.data.varied_batch(rows, epochs, self.seed), y


class _FeatureRows(Dataset[Any]):
    """Frozen features with their labels; each epoch reads the next of the computed views."""

    def __init__(
        self, views: list[Tensor], labels: NDArray[np.int64], rows: NDArray[np.intp]
    ) -> None:
        self.views, self.labels, self.rows = views, labels, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, keys: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        rows = self.rows[[row for _, row in keys]]
        x = self.views[keys[0][0] % len(self.views)]
        return x[rows], torch.from_numpy(self.labels[rows])


def _loader(
    rows: Dataset[Any], batches: TrainBatches | OrderedBatches, workers: int = 0
) -> DataLoader[Any]:
    return DataLoader(
        rows,
        batch_sampler=batches,
        # A whole batch comes from __getitems__ already; collating it again would only copy.
        collate_fn=_as_is,
        num_workers=workers,
        persistent_workers=workers > 0,
        # From pinned memory a batch is copied to a GPU while that computes.
        pin_memory=torch.cuda.is_available(),
    )


def _as_is(batch: Any) -> Any:
    return batch


def _check(spec: dict[str, Any]) -> None:
    for name, known in (
        ("tune", ("full", "head", "kernel")),
        ("imbalance", ("weights", "sampler", "none")),
    ):
        if spec[name] not in known:
            raise UserError(
                f"{name} is {spec[name]!r}; expected one of {', '.join(known)}: "
                "set it in params.yaml"
            )
    if spec["tune"] == "kernel" and spec["imbalance"] == "sampler":
        raise UserError(
            "imbalance is 'sampler'; where tune is kernel there are no batches to sample: "
            "set it to weights or none"
        )
    if spec["batch"] < 2:
        raise UserError(
            f"batch is {spec['batch']}; expected at least 2, for one row alone has no variance to "
            "normalise by: set it in params.yaml"
        )
