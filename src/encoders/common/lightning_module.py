"""What Lightning fits: a network under cross-entropy, its optimiser and its curves."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import lightning.pytorch as pl
import torch
import torch.distributed as dist
from sklearn.metrics import f1_score
from torch import Tensor, nn

from src.core.schema import EpochSettings
from src.encoders.common.processes import gathered, total, world_size
from src.encoders.common.unfinished_fit import random_states, set_random_states


class TrainingModule(pl.LightningModule):
    """Cross-entropy over a network that turns a batch into logits [B, C].

    Attributes:
        curves: epoch, train_loss, val_loss and val_f1_macro of each epoch.
    """

    def __init__(self, network: nn.Module, class_weights: Tensor, settings: EpochSettings) -> None:
        """Take class weights of shape [C]."""
        super().__init__()
        self.network = network
        self.class_weights: Tensor
        self.register_buffer("class_weights", class_weights)
        self.settings = settings
        self.curves: list[dict[str, float]] = []
        self._train: list[Tensor] = []
        self._val: list[tuple[Tensor, Tensor]] = []
        self._goes_on = False

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        # Of each process, [W, n]: what is dropped out later depends on it.
        states = random_states(self.trainer.strategy.root_device)
        checkpoint["random_states"] = [gathered(state.unsqueeze(0)) for state in states]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        # Now: the loader of batches soon draws from it, as it did after the epoch that was saved.
        # Cloned: PyTorch takes no part of a larger tensor for a state.
        states = [each[self.global_rank].clone() for each in checkpoint["random_states"]]
        set_random_states(self.trainer.strategy.root_device, states)
        self._goes_on = True

    def on_fit_start(self) -> None:
        if world_size() > 1 and not self._goes_on:
            # All processes start with the same random state and would drop out the same units.
            torch.manual_seed(torch.initial_seed() + self.global_rank)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        if self.current_epoch < self.settings.freeze_epochs:
            # The schedule sets the rates anew after each step.
            for group in self.trainer.optimizers[0].param_groups:
                group["lr"] = 0.0 if group["late"] else group["lr"]

    def training_step(self, batch: tuple[Any, Tensor], _: int) -> Tensor:
        x, y = batch
        logits = self.network(x)
        losses = nn.functional.cross_entropy(
            logits,
            y,
            weight=self.class_weights,
            reduction="sum",
            label_smoothing=self.settings.label_smoothing,
        )
        # The mean over the whole batch; this process has some of its terms.
        loss = losses / total(self.class_weights[y].sum())
        self._train.append(loss.detach())
        # Gradients are averaged over the processes; their sum is needed.
        return loss * world_size()

    def on_validation_start(self) -> None:
        if world_size() > 1:
            # On CPUs running statistics differ between processes; the first one's are kept.
            for buffer in self.network.buffers():
                dist.broadcast(buffer, src=0)

    def validation_step(self, batch: tuple[Any, Tensor], _: int) -> None:
        x, y = batch
        self._val.append((self.network(x).float(), y))

    def on_validation_epoch_end(self) -> None:
        logits, y = (gathered(torch.cat(column)) for column in zip(*self._val, strict=True))
        loss = nn.functional.cross_entropy(logits, y, weight=self.class_weights.cpu().float())
        f1 = f1_score(y, logits.argmax(1), average="macro", zero_division=0)
        self.log("val_f1_macro", f1, sync_dist=True)
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
        """Return the curves: Lightning brings this state back from the processes it starts."""
        return self.curves

    def set_extra_state(self, state: list[dict[str, float]]) -> None:
        self.curves = state

    def on_fit_end(self) -> None:
        # Lightning's objects refer to each other, so this memory would be freed late.
        for optimizer in self.trainer.optimizers:
            optimizer.zero_grad()
            optimizer.state.clear()

    def configure_optimizers(self) -> Any:
        settings = self.settings
        groups = parameter_groups(self.network, settings)
        # Lightning refuses to clip under a fused optimiser where some numbers have 16 bits.
        clipped_half = settings.gradient_clip and self.trainer.precision != "32-true"
        # Fused: one pass over memory; a text network's vocabulary makes this most of a step.
        optimizer = torch.optim.AdamW(groups, fused=not clipped_half)
        # Over all planned steps.
        steps = max(2, int(self.trainer.estimated_stepping_batches))
        schedule: torch.optim.lr_scheduler.LRScheduler
        if settings.schedule == "linear":
            schedule = torch.optim.lr_scheduler.LambdaLR(
                optimizer, partial(linear_rate, steps=steps, warmup=settings.warmup)
            )
        else:
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimizer,
                max_lr=[group["lr"] for group in groups],
                total_steps=steps,
                pct_start=settings.warmup,
            )
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


def linear_rate(step: int, steps: int, warmup: float) -> float:
    """Return the rate of a step, counted from 0, as a share of the highest: up, then down to 0."""
    rising = int(warmup * steps)
    return min((step + 1) / (rising + 1), (steps - step) / (steps - rising))


def parameter_groups(network: nn.Module, settings: EpochSettings) -> list[dict[str, Any]]:
    """Return the parameters to fit, in groups of one learning rate and one weight decay each.

    Biases and normalisation do not decay. With `layer_decay` d, the topmost block learns at `lr`,
    the k-th block below it at `lr` times d to the power of k. A block is a numbered layer such as
    `layer.3` or `blocks.2.1`; parameters outside of all belong to the one before them. With
    `freeze_epochs` all but the head's are `late`, in groups of their own.
    """
    blocks: list[str] = []
    depths = {}
    for name, _ in network.named_parameters():
        numbered = re.match(r"(.*?\.)??\d+(\.\d+)*(?=\.)", name)
        if numbered and numbered[0] not in blocks:
            blocks.append(numbered[0])
        depths[name] = len(blocks)
    groups: dict[tuple[float, float, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            lr = settings.lr * settings.layer_decay ** (len(blocks) - depths[name])
            decay = settings.weight_decay if parameter.ndim > 1 else 0.0
            late = settings.freeze_epochs > 0 and not name.startswith("head.")
            groups.setdefault((lr, decay, late), []).append(parameter)
    return [
        {"params": parameters, "lr": lr, "weight_decay": decay, "late": late}
        for (lr, decay, late), parameters in groups.items()
    ]
