"""Fitting any network with Lightning: class weights, early stopping, the best epoch, curves.

In one process, or in several on this machine and others (`src.encoders.common.processes`).
"""

from __future__ import annotations

import logging
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.exceptions import SIGTERMException
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn
from torch.utils.data import DataLoader

from src.core.errors import UserError
from src.core.schema import EpochSettings, Trainer
from src.core.unfinished import LIVE
from src.encoders.common.callbacks import BestEpoch, Epochs, LiveCurves, TrainingBar
from src.encoders.common.lightning_module import TrainingModule
from src.encoders.common.processes import gpu_count, processes, synchronised
from src.encoders.common.unfinished_fit import SaveEpochs, UnfinishedFit, WholeFiles


def fit(
    network: nn.Module,
    train_loader: DataLoader[Any],
    val_loader: DataLoader[Any] | None,
    labels: NDArray[np.int64],
    num_classes: int,
    settings: EpochSettings,
    trainer: Trainer,
    name: str,
    epochs: int | None = None,
    unfinished: Path | None = None,
) -> pd.DataFrame:
    """Fit a network in place and leave it with the weights of its best epoch on val.

    The best epoch is the first with the highest macro F1. Without val the weights are those after
    `epochs` epochs. A machine that helps another (NODE_RANK above 0) leaves the network as it was.

    Args:
        network: turns a batch into logits [B, C].
        val_loader: the val rows; None for none.
        labels: classes of the train rows, [N], for the class weights.
        trainer: precision, and how many processes to start on how many machines and on what.
        name: what the progress bar and errors call the network.
        epochs: of those that the settings plan; the learning rate follows the plan.
        unfinished: a folder of `src.core.unfinished`, None for none. A fit of this name that was
            killed goes on after its last epoch, one that was done is not repeated. Several
            machines have no folder in common, so their fits start again.

    Returns:
        One row per epoch judged on val: epoch, train_loss, val_loss, val_f1_macro.

    Raises:
        UserError: there are fewer GPUs than asked for, or too few listings for so many processes.
    """
    devices = processes(trainer)
    world = devices * trainer.nodes
    kept = UnfinishedFit(unfinished, name, world) if unfinished and trainer.nodes == 1 else None
    if kept and (done := kept.load_result(network)) is not None:
        network.float().eval()
        return pd.DataFrame(done)
    fitted = network
    if world > 1:
        _require_enough_listings(world, val_loader, labels, settings, name)
        if gpu_count(trainer):
            fitted = synchronised(network)
    # Lightning keeps the mode that it finds, and a network may come in eval mode.
    fitted.train()
    module = TrainingModule(fitted, _class_weights(labels, num_classes, settings), settings)
    callbacks: list[Callback] = [TrainingBar(name)]
    if val_loader is None:
        callbacks.append(Epochs(epochs or settings.epochs))
    else:
        stop = EarlyStopping("val_f1_macro", mode="max", patience=settings.patience)
        callbacks += [stop, BestEpoch()]
    if unfinished:
        callbacks.append(LiveCurves(unfinished / LIVE, name))
    if kept:
        callbacks.append(SaveEpochs(kept.last_epoch))
    with _quiet():
        lightning = pl.Trainer(
            max_epochs=settings.epochs,
            accelerator=trainer.accelerator,
            precision=trainer.precision,
            gradient_clip_val=settings.gradient_clip or None,
            devices=devices,
            num_nodes=trainer.nodes,
            strategy=_several_processes() if world > 1 else "auto",
            # The batches are cut into shares already.
            use_distributed_sampler=False,
            deterministic=True,
            callbacks=callbacks,
            plugins=[WholeFiles()],
            enable_checkpointing=kept is not None,
            logger=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            num_sanity_val_steps=0,
        )
        last_epoch = kept.resume(train_loader) if kept else None
        try:
            lightning.fit(module, train_loader, val_loader, ckpt_path=last_epoch, weights_only=True)
        except SIGTERMException:
            # Else it would end with status 0, as if the stage had done its work.
            sys.exit(128 + signal.SIGTERM)
        if lightning.is_global_zero:
            state: dict[str, Tensor] = module.state_dict()
            network.load_state_dict({key: state[f"network.{key}"] for key in network.state_dict()})
    network.float().eval()
    if kept:
        kept.save_result(network, module.curves)
    return pd.DataFrame(module.curves)


def _require_enough_listings(
    world: int,
    val_loader: DataLoader[Any] | None,
    labels: NDArray[np.int64],
    settings: EpochSettings,
    name: str,
) -> None:
    # Each process needs 2 rows of a batch to normalise by, and one of val.
    most = min(settings.batch // 2, len(labels) // 2)
    listings = f"{len(labels)} train listings"
    if val_loader is not None:
        val_rows = len(val_loader.dataset)  # type: ignore[arg-type]
        most, listings = min(most, val_rows), f"{listings} and {val_rows} val listings"
    if world > most:
        raise UserError(
            f"{name}: {world} processes, but batches of {settings.batch}, {listings} are enough "
            f"for {most}; set fewer trainer.devices or trainer.nodes"
        )


def _class_weights(labels: NDArray[np.int64], num_classes: int, settings: EpochSettings) -> Tensor:
    """Return each class's weight in the loss, [C]; 0 for a class without train rows."""
    if settings.imbalance != "weights":
        return torch.ones(num_classes)
    present = np.unique(labels)
    weights = torch.zeros(num_classes)
    balanced = compute_class_weight("balanced", classes=present, y=labels)
    weights[present] = torch.as_tensor(balanced, dtype=torch.float32)
    return weights


def _several_processes() -> DDPStrategy:
    return DDPStrategy(
        start_method="spawn",
        # Machines find each other by MASTER_ADDR, MASTER_PORT and NODE_RANK.
        cluster_environment=LightningEnvironment(),
        # One share of val may have a batch more, in which the others would be waited for.
        forward_sync_buffers=False,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide what Lightning notes about devices, and its advice on loggers and workers."""
    notes = logging.getLogger("lightning.pytorch")
    level = notes.level
    notes.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        notes.setLevel(level)
