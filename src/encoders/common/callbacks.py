"""What happens beside the steps of a training: the bar, the best epoch, the curves as they grow."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from tqdm import tqdm

# How many points of a fit's curves by step are shown.
_POINTS = 200


class TrainingBar(Callback):
    """One bar over all steps of the training, with a rate and an estimate."""

    bar: tqdm[Any]

    def __init__(self, name: str) -> None:
        self.name = name

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.bar = tqdm(
            total=int(trainer.estimated_stepping_batches),
            initial=trainer.global_step,
            desc=self.name,
            unit="step",
            mininterval=1.0,
            disable=None if trainer.is_global_zero else True,
        )

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.bar.update()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.bar.set_postfix(val_f1=f"{float(trainer.callback_metrics['val_f1_macro']):.3f}")

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.bar.close()


class Epochs(Callback):
    """Ends the training after some of the planned epochs."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch + 1 >= self.epochs


class BestEpoch(Callback):
    """Leaves the network with the weights of the first epoch with the highest macro F1 on val.

    The weights are part of this callback's state, so that a checkpoint of the training holds them.
    """

    def __init__(self) -> None:
        self.f1 = -1.0
        self.weights: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        f1 = float(trainer.callback_metrics["val_f1_macro"])
        if trainer.is_global_zero and f1 > self.f1:
            state = pl_module.network.state_dict()  # type: ignore[operator,union-attr]
            self.weights = {name: x.detach().to("cpu", copy=True) for name, x in state.items()}
            self.f1 = f1

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            pl_module.network.load_state_dict(self.weights)  # type: ignore[operator,union-attr]

    def state_dict(self) -> dict[str, Any]:
        return {"f1": self.f1, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.f1, self.weights = state_dict["f1"], state_dict["weights"]


class LiveCurves(Callback):
    """Adds lines of JSON to a file while the network is fitted; `src.tracking.live` shows them.

    By step, at some of them: loss, learning rate, steps per second, minutes left. By epoch: what
    the training module's curves say.
    """

    def __init__(self, file: Path, name: str) -> None:
        self.file, self.name = file, name

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.total = int(trainer.estimated_stepping_batches)
        self.first_step, self.started = trainer.global_step, time.perf_counter()
        self.losses: list[Tensor] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # Val is scored between two epochs: no time of a step.
        self.last_step, self.last_time = trainer.global_step, time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, _: Any, outputs: Any, *__: Any) -> None:
        step, now = trainer.global_step, time.perf_counter()
        self.losses.append(outputs["loss"].detach())
        if step % -(-self.total // _POINTS):
            return
        pace = (now - self.started) / (step - self.first_step)
        self._add(
            trainer,
            step=step,
            train_loss=float(torch.stack(self.losses).mean()),
            learning_rate=max(group["lr"] for group in trainer.optimizers[0].param_groups),
            steps_per_second=(step - self.last_step) / (now - self.last_time),
            minutes_left=pace * (self.total - step) / 60,
        )
        self.losses.clear()
        self.last_step, self.last_time = step, now

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._add(trainer, **pl_module.curves[-1])  # type: ignore[index,operator,arg-type]

    def _add(self, trainer: pl.Trainer, **values: float) -> None:
        if trainer.is_global_zero:
            # On a full disk a point less; that it is full, others say.
            with suppress(OSError), self.file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"fit": self.name, **values}) + "\n")
