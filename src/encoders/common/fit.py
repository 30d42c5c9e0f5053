"""Fitting any network with Lightning: class balance, schedule, early stopping, curves.

In one process, or in several on this machine and others (`src.encoders.common.processes`).
"""

from __future__ import annotations

import logging
import warnings
from contextlib import nullcontext
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.strategies import DDPStrategy
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from src.core.errors import UserError
from src.encoders.common.processes import WholeBatchNorm, gathered, processes, total, world_size

# Advice about loggers, workers and trackers that does not apply to a stage.
for noisy in ("lightning.pytorch", "lightning.fabric"):
    logging.getLogger(noisy).setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")


class Classifier(pl.LightningModule):
    """Cross-entropy over a network that turns a batch into logits [B, C]."""

    def __init__(self, network: nn.Module, class_weights: Tensor, spec: dict[str, Any]) -> None:
        super().__init__()
        self.network = network
        self.class_weights: Tensor
        self.register_buffer("class_weights", class_weights)
        self.spec = spec
        self.curves: list[dict[str, float]] = []
        self._train: list[Tensor] = []
        self._val: list[tuple[Tensor, Tensor]] = []

    def on_fit_start(self) -> None:
        # `deterministic` would fill whatever memory an operation asks for, a twentieth of a step;
        # here and not in `fit`, for every process has this switch of its own.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        if world_size() > 1:
            # Lightning hands all processes one state, and they would drop out the same units.
            torch.manual_seed(torch.initial_seed() + self.global_rank)

    def training_step(self, batch: tuple[Any, Tensor], _: int) -> Tensor:
        x, y = batch
        with WholeBatchNorm() if world_size() > 1 else nullcontext():
            logits = self.network(x)
        losses = nn.functional.cross_entropy(logits, y, weight=self.class_weights, reduction="sum")
        # The mean over the whole batch, of which each process has some terms.
        part = losses / total(self.class_weights[y].sum())
        self._train.append(part.detach())
        # Gradients are averaged over the processes, where their sum is wanted.
        return part * world_size()

    def validation_step(self, batch: tuple[Any, Tensor], _: int) -> None:
        x, y = batch
        self._val.append((self.network(x).float(), y))

    def on_validation_epoch_end(self) -> None:
        logits, y = (gathered(torch.cat(column)) for column in zip(*self._val, strict=True))
        loss = nn.functional.cross_entropy(logits, y, weight=self.class_weights.cpu().float())
        f1 = f1_score(y, logits.argmax(1), average="macro", zero_division=0)
        self.log("val_f1_macro", f1)
        self.curves.append(
            {
                "epoch": self.current_epoch + 1,
                "train_loss": float(total(torch.stack(self._train).mean())),
                "val_loss": float(loss),
                "val_f1_macro": float(f1),
            }
        )
        self._train.clear()
        self._val.clear()

    def get_extra_state(self) -> list[dict[str, float]]:
        """The curves, which so come back with the weights from the processes that drew them."""
        return self.curves

    def set_extra_state(self, state: list[dict[str, float]]) -> None:
        self.curves = state

    def on_fit_end(self) -> None:
        # Lightning's objects refer to each other, so what they hold would stay in memory for long.
        for optimizer in self.trainer.optimizers:
            optimizer.zero_grad()
            optimizer.state.clear()

    def configure_optimizers(self) -> Any:
        tuned = [p for p in self.network.parameters() if p.requires_grad]
        # Fused: one pass over memory, where a text network's vocabulary is most of a step.
        optimizer = torch.optim.AdamW(
            tuned, lr=self.spec["lr"], weight_decay=self.spec["weight_decay"], fused=True
        )
        # One warm-up and one cosine over the whole of the planned steps.
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=self.spec["lr"],
            total_steps=max(2, int(self.trainer.estimated_stepping_batches)),
            pct_start=0.15,
        )
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


class _KeepBest(Callback):
    """Bring back the weights of the best epoch on val at the end of training."""

    def __init__(self) -> None:
        self.best = -1.0
        self.state: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        f1 = float(trainer.callback_metrics["val_f1_macro"])
        if f1 > self.best:
            self.best = f1
            state = pl_module.network.state_dict()  # type: ignore[union-attr,operator]
            self.state = {name: value.detach().clone() for name, value in state.items()}

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        pl_module.network.load_state_dict(self.state)  # type: ignore[union-attr,operator]


class _Progress(Callback):
    """One bar over all steps of the training, with a rate and an estimate."""

    bar: tqdm[Any]

    def __init__(self, name: str) -> None:
        self.name = name

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        steps = int(trainer.estimated_stepping_batches)
        hidden = None if trainer.is_global_zero else True
        self.bar = tqdm(total=steps, desc=self.name, unit="step", mininterval=1.0, disable=hidden)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.bar.update()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.bar.set_postfix(val_f1=f"{float(trainer.callback_metrics['val_f1_macro']):.3f}")

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.bar.close()


def fit(
    network: nn.Module,
    train: DataLoader[Any],
    val: DataLoader[Any],
    labels: NDArray[np.int64],
    num_classes: int,
    spec: dict[str, Any],
    trainer: dict[str, Any],
    name: str,
) -> pd.DataFrame:
    """Fit a network in place and leave it with the weights of its best epoch on val.

    Args:
        network: batch to logits [B, C].
        labels: classes of the training rows, [N], for the class weights.
        spec: epochs, patience, lr, weight_decay, imbalance of one row of the table.
        trainer: accelerator and precision, as Lightning names them; devices and nodes: how many
            processes on each of how many machines. They are started here and end here.

    Returns:
        One row per epoch: epoch, train_loss, val_loss, val_f1_macro.

    Raises:
        UserError: there are not as many devices, or too few listings for each to have one.
    """
    devices = processes(trainer)
    world = devices * trainer["nodes"]
    if world > 1:
        fewest = min(spec["batch"], len(labels), len(val.dataset))  # type: ignore[arg-type]
        if world > fewest:
            raise UserError(
                f"{name}: {world} processes and only {fewest} listings to share between them in a "
                "batch, the train or the val part: set fewer trainer.devices or trainer.nodes"
            )
    weights = torch.ones(num_classes)
    if spec["imbalance"] == "weights":
        present = np.unique(labels)
        weights = torch.zeros(num_classes)
        balanced = compute_class_weight("balanced", classes=present, y=labels)
        weights[present] = torch.as_tensor(balanced, dtype=torch.float32)
    # Lightning keeps the mode that it finds: pretrained encoders and heads whose backbone was
    # used for frozen features come in eval mode, without dropout and with statistics that stay.
    network.train()
    module = Classifier(network, weights, spec)
    pl.Trainer(
        max_epochs=spec["epochs"],
        accelerator=trainer["accelerator"],
        precision=trainer["precision"],
        devices=devices,
        num_nodes=trainer["nodes"],
        strategy=_together() if world > 1 else "auto",
        # The batches are cut into shares already.
        use_distributed_sampler=False,
        deterministic=True,
        callbacks=[
            # Progress first: KeepBest loads weights when everything else is done.
            _Progress(name),
            EarlyStopping("val_f1_macro", mode="max", patience=spec["patience"]),
            _KeepBest(),
        ],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        num_sanity_val_steps=0,
    ).fit(module, train, val)
    network.float().eval()
    return pd.DataFrame(module.curves)


def _together() -> DDPStrategy:
    return DDPStrategy(
        start_method="spawn",
        # Machines find each other by MASTER_ADDR, MASTER_PORT and NODE_RANK.
        cluster_environment=LightningEnvironment(),
        # They are equal everywhere, and shares of val may differ by a batch.
        broadcast_buffers=False,
    )
